// Source: parser.py and variables.py of python-dotenv 0.21 and 1.
#include <utility>

#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

// \s of Python's re: the separators of ASCII, too.
bool is_python_space(char32_t c) { return is_unicode_space(c) || (c >= 0x1C && c <= 0x1F); }

// Whether ${NAME} or ${NAME:-DEFAULT} stands in it.
bool is_interpolated(std::u32string_view value) {
  std::size_t end = 0;
  for (std::size_t at = value.find(U"${"); at != std::u32string_view::npos;
       at = value.find(U"${", at + 1)) {
    if (end < at + 2) end = value.find_first_of(U":}", at + 2);
    if (end == std::u32string_view::npos) return false;
    if (value[end] == U'}') return true;
    if (!value.substr(end).starts_with(U":-")) continue;
    return value.find(U'}', end) != std::u32string_view::npos;
  }
  return false;
}

std::u32string unescaped_by_python(std::u32string_view value, std::u32string_view escapes,
                                   std::u32string_view meanings) {
  std::u32string plain;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const bool is_pair = value[at] == U'\\' && at + 1 < value.size();
    const std::size_t escape = is_pair ? escapes.find(value[at + 1]) : std::u32string_view::npos;
    if (escape == std::u32string_view::npos) {
      plain += value[at];
    } else {
      plain += meanings[escape];
      ++at;
    }
  }
  return plain;
}

class PythonReader {
 public:
  // As Python's open() reads a text: every line end is LF.
  explicit PythonReader(const PlainLines& plain) : text_(plain.text), lines_(text_, plain.lone) {}

  EnvReading read() {
    while (at_ < text_.size()) {
      if (!read_binding()) {
        // A statement that cannot be read is passed over, with a warning.
        while (!at_line_end()) ++at_;
        if (at_ < text_.size()) ++at_;
      }
    }
    return std::move(reading_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return at_end() || text_[at_] == U'\n'; }
  char32_t peek() const { return at_end() ? U'\0' : text_[at_]; }
  void skip_blanks() {
    while (!at_line_end() && is_python_space(text_[at_])) ++at_;
  }

  bool read_binding() {
    while (!at_end() && is_python_space(text_[at_])) ++at_;
    if (at_end()) return true;
    const std::size_t line = lines_.line_at(at_);
    skip_export();
    std::u32string key;
    const bool has_key = peek() != U'#';
    if (has_key && !read_key(key)) return false;
    skip_blanks();
    std::optional<std::u32string> value;
    if (peek() == U'=' && !read_value(value)) return false;
    if (!read_rest()) return false;
    if (has_key) push(key, line, value);
    return true;
  }

  void skip_export() {
    constexpr std::u32string_view kExport = U"export";
    if (!std::u32string_view(text_).substr(at_).starts_with(kExport)) return;
    const std::size_t begin = at_;
    at_ += kExport.size();
    const std::size_t behind = at_;
    skip_blanks();
    if (at_ == behind) at_ = begin;
  }

  bool read_key(std::u32string& key) {
    std::size_t end = at_;
    if (peek() == U'\'') {
      end = text_.find(U'\'', at_ + 1);
      if (end == std::u32string::npos || end == at_ + 1) return false;
      key = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return true;
    }
    while (end < text_.size() && text_[end] != U'=' && text_[end] != U'#' &&
           !is_python_space(text_[end]))
      ++end;
    key = text_.substr(at_, end - at_);
    at_ = end;
    return !key.empty();
  }

  bool read_value(std::optional<std::u32string>& value) {
    ++at_;
    skip_blanks();
    const char32_t first = peek();
    if (first != U'\'' && first != U'"') {
      value = read_plain();
      return true;
    }
    const std::vector<std::size_t> closing = closing_quotes(text_, at_);
    if (closing.empty()) return false;
    const auto content = std::u32string_view(text_).substr(at_ + 1, closing.front() - at_ - 1);
    value = first == U'\'' ? unescaped_by_python(content, U"\\'", U"\\'")
                           : unescaped_by_python(content, U"\\'\"abfnrtv", U"\\'\"\a\b\f\n\r\t\v");
    at_ = closing.front() + 1;
    return true;
  }

  std::u32string read_plain() {
    const std::size_t begin = at_;
    while (!at_line_end()) ++at_;
    std::u32string_view value = std::u32string_view(text_).substr(begin, at_ - begin);
    for (std::size_t i = 1; i < value.size(); ++i) {
      if (value[i] == U'#' && is_python_space(value[i - 1])) value = value.substr(0, i);
    }
    while (!value.empty() && is_python_space(value.back())) value.remove_suffix(1);
    return std::u32string(value);
  }

  // A comment and the line's end.
  bool read_rest() {
    skip_blanks();
    if (peek() == U'#') {
      while (!at_line_end()) ++at_;
    }
    if (!at_line_end()) return false;
    if (!at_end()) ++at_;
    return true;
  }

  void push(const std::u32string& key, std::size_t line,
            const std::optional<std::u32string>& value) {
    EnvSight sight{utf8_of(key), line};
    if (!value) {
      sight.certainty = EnvCertainty::unset;
    } else {
      sight.value = utf8_of(*value);
      if (is_interpolated(*value)) sight.certainty = EnvCertainty::unsure;
    }
    reading_.seen.push_back(std::move(sight));
  }

  const std::u32string text_;
  LineCounter lines_;
  std::size_t at_ = 0;
  EnvReading reading_{EnvReader::python};
};

}  // namespace

EnvReading read_as_python(std::string_view text) {
  if (const auto line = line_of_no_utf8(text)) {
    EnvReading reading{EnvReader::python};
    reading.stop = EnvStop{*line, "it holds bytes that are no UTF-8"};
    return reading;
  }
  return PythonReader(with_plain_line_ends(characters_of(text))).read();
}

}  // namespace dagloop
