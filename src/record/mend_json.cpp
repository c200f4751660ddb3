#include "record/mend_json.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "base/utf8.hpp"
#include "dagloop/base/ascii.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxKeptDepth = 500;  // the parser goes to 1024

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether a bare word goes on with `c`.
bool is_word_byte(char c) {
  return c > ' ' && c < '\x7f' && std::string_view(",:[]{}\"\\").find(c) == std::string_view::npos;
}

std::optional<unsigned> hex_of(std::string_view digits) {
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + 4, value, 16);
  if (error != std::errc{} || stop != digits.data() + 4) return std::nullopt;
  return value;
}

// The unit of an escape \uXXXX at the beginning of `text`.
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  return hex_of(text.substr(2, 4));
}

bool is_high_surrogate(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; }

// The number of digits at the beginning of `text`.
std::size_t digits_of(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_ascii_digit(text[count])) ++count;
  return count;
}

// Whether a word is a number of JSON; what a double does not hold is one, too.
bool is_json_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  const std::size_t whole = digits_of(word);
  if (whole == 0 || (whole > 1 && word[0] == '0')) return false;
  word.remove_prefix(whole);
  if (word.starts_with('.')) {
    const std::size_t places = digits_of(word.substr(1));
    if (places == 0) return false;
    word.remove_prefix(places + 1);
  }
  if (word.empty()) return true;
  if (to_ascii_lower(word[0]) != 'e') return false;
  word.remove_prefix(1);
  if (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
  return !word.empty() && digits_of(word) == word.size();
}

// Whether a parser reads a number as it is.
bool is_held(std::string_view number) {
  if (number.find_first_of(".eE") == std::string_view::npos) {
    std::int64_t value = 0;
    return std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{};
  }
  double value = 0;
  return std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{};
}

struct Meaning {
  std::string_view word;
  std::string_view json;
};

constexpr std::array<Meaning, 9> kMeanings{{{"null", "null"},
                                            {"true", "true"},
                                            {"false", "false"},
                                            {"nan", kNotANumberText},
                                            {"infinity", kNotANumberText},
                                            {"inf", kNotANumberText},
                                            {"none", "null"},
                                            {"nil", "null"},
                                            {"undefined", "null"}}};

// What a bare word of other languages is in JSON; empty for any other word.
std::string_view meaning_of(std::string_view word) {
  const std::string_view unsigned_word =
      word.starts_with('-') || word.starts_with('+') ? word.substr(1) : word;
  for (const Meaning& meaning : kMeanings) {
    if (is_same_in_any_case(meaning.word, unsigned_word)) return meaning.json;
  }
  return {};
}

class JsonMender {
 public:
  JsonMender(std::string_view line, std::string_view cut_key) : rest_(line), cut_key_(cut_key) {
    out_.reserve(line.size() + line.size() / 16 + 64);  // with room for the parser's padding
  }

  MendedLine mend(std::size_t size) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    const bool is_whole = walk();
    if (!is_whole) close_what_is_complete();
    return {std::move(out_), is_whole, size - rest_.size(), replaced_};
  }

 private:
  enum class Next : std::uint8_t { first_key, key, colon, first_value, value, comma };

  bool walk() {
    skip_spaces();
    if (!rest_.starts_with('{')) return false;
    do {
      if (!step(rest_[0])) return false;
      skip_spaces();
      if (stack_.empty()) return rest_.empty();
    } while (!rest_.empty());
    return false;
  }

  bool step(char c) {
    switch (next_) {
      case Next::first_key:
        if (c == '}') return close('{');
        [[fallthrough]];
      case Next::key:
        return c == '"' && read_key();
      case Next::colon:
        return pass(c, ':', Next::value);
      case Next::comma:
        if (c == '}') return close('{');
        if (c == ']') return close('[');
        return pass(c, ',', stack_.back() == '{' ? Next::key : Next::value);
      case Next::first_value:
        if (c == ']') return close('[');
        [[fallthrough]];
      case Next::value:
        return read_value(c);
    }
    return false;
  }

  bool pass(char c, char wanted, Next next) {
    if (c != wanted) return false;
    emit(take(1));
    next_ = next;
    return true;
  }

  bool read_key() {
    const std::string_view begin = rest_;
    if (!read_string()) return false;
    key_ = begin.substr(1, begin.size() - rest_.size() - 2);
    next_ = Next::colon;
    return true;
  }

  bool read_value(char c) {
    if (c == '{' || c == '[') return open(c);
    if (c != '"') return read_word() && complete();
    const std::size_t begin = out_.size();
    if (read_string()) return complete();
    if (stack_.size() == 1 && !cut_key_.empty() && key_ == cut_key_) keep_pairs(begin);
    return false;
  }

  // Of a detail column that is cut off.
  void keep_pairs(std::size_t begin) {
    const std::size_t last = out_.rfind(';');
    if (last == std::string::npos || last < begin) return;
    out_.resize(last);
    out_ += '"';
    complete();
  }

  bool open(char bracket) {
    if (stack_.size() == kMaxKeptDepth) emit("null");
    stack_ += bracket;
    emit(take(1));
    next_ = bracket == '{' ? Next::first_key : Next::first_value;
    mark();
    return true;
  }

  bool close(char bracket) {
    if (stack_.back() != bracket) return false;
    emit(take(1));
    stack_.pop_back();
    return complete();
  }

  // A value ends here.
  bool complete() {
    next_ = Next::comma;
    mark();
    return true;
  }

  void mark() {
    if (stack_.size() > kMaxKeptDepth) return;
    complete_size_ = out_.size();
    complete_depth_ = stack_.size();
  }

  void close_what_is_complete() {
    out_.resize(complete_size_);
    for (std::size_t depth = complete_depth_; depth > 0; --depth) {
      out_ += stack_[depth - 1] == '{' ? '}' : ']';
    }
  }

  bool read_word() {
    std::size_t size = 0;
    while (size < rest_.size() && is_word_byte(rest_[size])) ++size;
    if (size == 0 || size == rest_.size()) return false;
    const std::string_view word = take(size);
    if (const std::string_view json = meaning_of(word); !json.empty()) {
      emit(json);
    } else if (is_json_number(word) && is_held(word)) {
      emit(word);
    } else if (is_json_number(word) && word.find_first_of("eE") != std::string_view::npos &&
               word.find('-', 1) != std::string_view::npos) {
      emit("0");  // too small for a double
    } else {
      emit("\"");
      emit(word);
      emit("\"");
    }
    return true;
  }

  // Returns false where the string does not end.
  bool read_string() {
    emit(take(1));
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (c == '"') {
        emit(take(1));
        return true;
      }
      if (c == '\\') {
        read_escape();
      } else if (static_cast<unsigned char>(c) < 0x20) {
        emit_control(c);
      } else if (const std::size_t size = character_length(rest_); size != 0) {
        emit(take(size));
      } else {
        take(1);
        replace();
      }
    }
    return false;
  }

  void read_escape() {
    constexpr std::string_view kShort = "\"\\/bfnrt";
    if (rest_.size() > 1 && kShort.find(rest_[1]) != std::string_view::npos) return emit(take(2));
    const std::optional<unsigned> unit = escaped_unit(rest_);
    if (!unit) {
      take(1);
      return emit("\\\\");
    }
    const std::string_view escape = take(6);
    if (is_high_surrogate(*unit) && is_low_surrogate(escaped_unit(rest_).value_or(0))) {
      emit(escape);
      return emit(take(6));
    }
    if (is_high_surrogate(*unit) || is_low_surrogate(*unit)) return replace();
    emit(escape);
  }

  void emit_control(char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    take(1);
    emit(c < 0x10 ? "\\u000" : "\\u001");
    emit(kHex.substr(static_cast<std::size_t>(c) & 15U, 1));
  }

  void replace() {
    emit(kReplacement);
    replaced_ = Replaced::some;
  }

  void skip_spaces() {
    while (!rest_.empty() && is_json_space(rest_[0])) rest_.remove_prefix(1);
  }

  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  // What is nested too deeply is looked at, but not kept.
  void emit(std::string_view text) {
    if (stack_.size() <= kMaxKeptDepth) out_ += text;
  }

  std::string_view rest_;
  std::string_view cut_key_;
  std::string_view key_;  // as written, of the member that is read
  std::string out_;
  std::string stack_;  // of open brackets
  Next next_ = Next::value;
  Replaced replaced_ = Replaced::no;
  std::size_t complete_size_ = 0;  // of `out_` when a value was complete last
  std::size_t complete_depth_ = 0;
};

}  // namespace

MendedLine mend_json(std::string_view line, std::string_view cut_key) {
  return JsonMender(line, cut_key).mend(line.size());
}

}  // namespace dagloop
