// Source: lib/main.js, parse(), of node's dotenv 16.
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

bool is_trimmed(char32_t c) { return c == 0xFEFF || (c != 0x85 && is_unicode_space(c)); }

bool ends_node_line(char32_t c) { return c == U'\n' || c == U'\r' || c == 0x2028 || c == 0x2029; }

std::u32string_view trimmed(std::u32string_view text) {
  while (!text.empty() && is_trimmed(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_trimmed(text.back())) text.remove_suffix(1);
  return text;
}

// The end of what is quoted from `at` on: the last such quote before the end of a line.
std::size_t end_of_quoted(std::u32string_view value, std::size_t at) {
  for (std::size_t close = value.size(); close-- > at + 1;) {
    const bool is_last = close + 1 == value.size() || ends_node_line(value[close + 1]);
    if (value[close] == value[at] && is_last) return close;
  }
  return at;
}

// value.replace(/^(['"`])([\s\S]*)\1$/mg, '$2')
std::u32string without_quotes(std::u32string_view value) {
  std::u32string plain;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const bool begins_line = at == 0 || ends_node_line(value[at - 1]);
    const bool is_quote = value[at] == U'"' || value[at] == U'\'' || value[at] == U'`';
    const std::size_t close = begins_line && is_quote ? end_of_quoted(value, at) : at;
    if (close == at) {
      plain += value[at];
    } else {
      plain += value.substr(at + 1, close - at - 1);
      at = close;
    }
  }
  return plain;
}

std::u32string with_line_ends(std::u32string_view value) {
  std::u32string expanded;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char32_t next = at + 1 < value.size() ? value[at + 1] : U'\0';
    if (value[at] == U'\\' && (next == U'n' || next == U'r')) {
      expanded += next == U'n' ? U'\n' : U'\r';
      ++at;
    } else {
      expanded += value[at];
    }
  }
  return expanded;
}

}  // namespace

EnvReading read_as_node(std::string_view text) {
  EnvReading reading{EnvReader::node};
  const PlainLines lines = with_plain_line_ends(characters_of(text));
  for (MatchedLine& match : match_dotenv_lines(lines, LineDialect::node)) {
    const std::u32string_view raw = match.value ? trimmed(*match.value) : std::u32string_view();
    std::u32string value = without_quotes(raw);
    if (raw.starts_with(U'"')) value = with_line_ends(value);
    reading.seen.push_back({std::move(match.key), match.line, utf8_of(value)});
  }
  return reading;
}

}  // namespace dagloop
