// The twins of the loaders, one a file, and what they share. Private to the layer. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/policy/env_reading.hpp"

namespace dagloop {

EnvReading read_as_systemd(std::string_view text);
EnvReading read_as_docker(std::string_view text);
EnvReading read_as_shell(std::string_view text);
EnvReading read_as_node(std::string_view text);
EnvReading read_as_python(std::string_view text);
EnvReading read_as_ruby(std::string_view text);
EnvReading read_as_go(std::string_view text);

/// Returns the characters of `text`; each byte that is no UTF-8 as U+FFFD.
std::u32string characters_of(std::string_view text);

/// Returns `characters` in UTF-8.
std::string utf8_of(std::u32string_view characters);

/// Returns the line of the first byte that is no UTF-8, nullopt where all is.
std::optional<std::size_t> line_of_no_utf8(std::string_view text);

/// Returns whether `c` is white space of Unicode: no control characters but the six of ASCII and
/// U+0085.
bool is_unicode_space(char32_t c);

/// Returns whether `word` is a name that a variable of the environment can have in a shell.
bool is_variable_name(std::string_view word);

/// A text with LF as its only line end, as some readers take it.
struct PlainLines {
  std::u32string text;
  std::vector<std::size_t> lone = {};  // LFs that were a CR alone, which an editor shows as no line
};

/// Returns `text` with CR LF and CR as LF.
PlainLines with_plain_line_ends(std::u32string_view text);

/// Tells the line, as editors count them, of places that only grow.
class LineCounter {
 public:
  explicit LineCounter(std::u32string_view text, const std::vector<std::size_t>& lone = {})
      : text_(text), lone_(lone) {}

  /// Returns the line of the character at `place`, from 1.
  std::size_t line_at(std::size_t place) {
    for (; at_ < place && at_ < text_.size(); ++at_) {
      if (text_[at_] != U'\n') continue;
      if (lone_at_ < lone_.size() && lone_[lone_at_] == at_) {
        ++lone_at_;
      } else {
        ++line_;
      }
    }
    return line_;
  }

 private:
  std::u32string_view text_;
  std::vector<std::size_t> lone_;
  std::size_t lone_at_ = 0;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

/// Whose regular expression a text is matched with: node's dotenv and Ruby's (from 2.8 on) differ
/// in their quotes, names, white space, and in names without a value.
enum class LineDialect { node, ruby };

/// What a LINE expression of dotenv matched.
struct MatchedLine {
  std::string key;
  std::size_t line = 0;
  bool is_exported = false;
  std::optional<std::u32string> value = {};  // as it stands; nullopt where none is matched
};

/// Returns all matches of the LINE expression in `lines`.
///
/// Source: lib/main.js of dotenv 16, lib/dotenv/parser.rb of dotenv 3.
std::vector<MatchedLine> match_dotenv_lines(const PlainLines& lines, LineDialect dialect);

/// Returns the places where a quote that opens at `at` may close: the first one without a backslash
/// before it, then those with one, from the last to the first.
std::vector<std::size_t> closing_quotes(std::u32string_view text, std::size_t at);

}  // namespace dagloop
