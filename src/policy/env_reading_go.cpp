// Source: parser.go of godotenv 1.5. Names with - [ ] are those of docker compose's edition of it.
#include <algorithm>

#include "dagloop/base/ascii.hpp"
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

// A blank of godotenv: no line feed, but the carriage return.
bool is_go_blank(char32_t c) {
  return c == U'\t' || (c >= 0x0B && c <= 0x0D) || c == U' ' || c == 0x85 || c == 0xA0;
}

// Letters and numbers are asked for byte by byte there, as if each were a character of Latin-1.
bool is_name_char(char32_t c) {
  constexpr std::string_view kLatinLettersAndNumbers =
      "\x85\xA0\xAA\xB2\xB3\xB5\xB9\xBA\xBC\xBD\xBE";
  const std::string bytes = utf8_of(std::u32string_view(&c, 1));
  return std::all_of(bytes.begin(), bytes.end(), [&](char byte) {
    return is_ascii_alphanumeric(byte) || byte == '_' || byte == '.' ||
           (byte >= '\xC0' && byte < '\0' && byte != '\xD7' && byte != '\xF7') ||
           kLatinLettersAndNumbers.find(byte) != std::string_view::npos;
  });
}

bool is_name_char_of_compose(char32_t c) { return c == U'-' || c == U'[' || c == U']'; }

std::u32string without_carriage_returns(std::u32string_view text) {
  std::u32string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != U'\r' || i + 1 == text.size() || text[i + 1] != U'\n') plain += text[i];
  }
  return plain;
}

// \n and \r, then whatever else has a backslash before it but $.
std::u32string unescaped_by_go(std::u32string_view value) {
  std::u32string expanded;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char32_t next = at + 1 < value.size() ? value[at + 1] : U'\n';
    if (value[at] != U'\\' || next == U'\n') {
      expanded += value[at];
      continue;
    }
    if (next == U'n' || next == U'r') {
      expanded += next == U'n' ? U'\n' : U'\r';
    } else {
      expanded += value[at];
      expanded += next;
    }
    ++at;
  }
  std::u32string plain;
  for (std::size_t at = 0; at < expanded.size(); ++at) {
    if (expanded[at] == U'\\' && at + 1 < expanded.size() && expanded[at + 1] != U'$') ++at;
    plain += expanded[at];
  }
  return plain;
}

class GoReader {
 public:
  explicit GoReader(std::string_view text)
      : text_(without_carriage_returns(characters_of(text))), lines_(text_) {}

  EnvReading read() {
    while (find_statement() && read_statement()) {
    }
    return std::move(reading_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (!at_end() && is_go_blank(text_[at_])) ++at_;
  }

  bool find_statement() {
    while (true) {
      while (!at_end() && is_unicode_space(text_[at_])) ++at_;
      if (at_end()) return false;
      if (text_[at_] != U'#') return true;
      at_ = std::min(text_.find(U'\n', at_), text_.size());
    }
  }

  bool read_statement() {
    line_ = lines_.line_at(at_);
    std::u32string key;
    if (!read_key(key)) return false;
    skip_blanks();
    if (!at_end() && (text_[at_] == U'"' || text_[at_] == U'\'')) return read_quoted(key);
    read_plain(key);
    return true;
  }

  bool read_key(std::u32string& key) {
    constexpr std::u32string_view kExport = U"export";
    if (std::u32string_view(text_).substr(at_).starts_with(kExport) &&
        at_ + kExport.size() < text_.size() && is_go_blank(text_[at_ + kExport.size()])) {
      at_ += kExport.size();
      skip_blanks();
    }
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char32_t c = text_[i];
      if (c == U'=' || c == U':') {
        key = text_.substr(at_, i - at_);
        while (!key.empty() && is_unicode_space(key.back())) key.pop_back();
        at_ = i + 1;
        return true;
      }
      if (is_go_blank(c) || is_name_char(c)) continue;
      const EnvStop stop{line_,
                         "its name holds a character that is none of a name, or no = follows"};
      if (!is_name_char_of_compose(c)) {
        reading_.stop = stop;
        return false;
      }
      if (!reading_.strict) reading_.strict = stop;
    }
    // Without a = up to the end of the file: what stands there is taken for a value without a name.
    return true;
  }

  void read_plain(const std::u32string& key) {
    const std::size_t end = std::min(text_.find_first_of(U"\n\r", at_), text_.size());
    std::u32string_view value = std::u32string_view(text_).substr(at_, end - at_);
    at_ = end;
    // The last # with a blank before it, not the first.
    for (std::size_t i = value.size(); i-- > 1;) {
      if (value[i] != U'#' || !is_go_blank(value[i - 1])) continue;
      value = value.substr(0, i);
      break;
    }
    while (!value.empty() && is_go_blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && is_go_blank(value.back())) value.remove_suffix(1);
    push(key, value);
  }

  bool read_quoted(const std::u32string& key) {
    const char32_t quote = text_[at_];
    std::size_t close = at_ + 1;
    while (close < text_.size() && (text_[close] != quote || text_[close - 1] == U'\\')) ++close;
    if (close == text_.size()) {
      reading_.stop = EnvStop{line_, "a quote is never closed"};
      return false;
    }
    std::u32string_view value = std::u32string_view(text_).substr(at_, close - at_);
    while (value.starts_with(quote)) value.remove_prefix(1);
    while (value.ends_with(quote)) value.remove_suffix(1);
    at_ = close + 1;
    if (quote == U'"') {
      push(key, unescaped_by_go(value));
    } else {
      reading_.seen.push_back({utf8_of(key), line_, utf8_of(value)});
    }
    return true;
  }

  void push(const std::u32string& key, std::u32string_view value) {
    const bool is_unsure = value.find(U'$') != std::u32string_view::npos;
    reading_.seen.push_back({utf8_of(key), line_, utf8_of(value),
                             is_unsure ? EnvCertainty::unsure : EnvCertainty::known});
  }

  const std::u32string text_;
  LineCounter lines_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  EnvReading reading_{EnvReader::go};
};

}  // namespace

EnvReading read_as_go(std::string_view text) { return GoReader(text).read(); }

}  // namespace dagloop
