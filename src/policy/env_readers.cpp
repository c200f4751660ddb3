#include "policy/env_readers.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "dagloop/base/ascii.hpp"

namespace dagloop {

EnvReading read_env(EnvReader reader, std::string_view text) {
  switch (reader) {
    case EnvReader::systemd:
      return read_as_systemd(text);
    case EnvReader::docker:
      return read_as_docker(text);
    case EnvReader::shell:
      return read_as_shell(text);
    case EnvReader::node:
      return read_as_node(text);
    case EnvReader::python:
      return read_as_python(text);
    case EnvReader::ruby:
      return read_as_ruby(text);
    case EnvReader::go:
      return read_as_go(text);
  }
  return {};
}

std::u32string characters_of(std::string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::u32string characters;
  characters.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) {
      characters += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    characters += code_point(text.substr(0, length));
    text.remove_prefix(length);
  }
  return characters;
}

std::string utf8_of(std::u32string_view characters) {
  std::string text;
  text.reserve(characters.size());
  const auto put = [&](char32_t bits) { text += static_cast<char>(bits); };
  for (const char32_t c : characters) {
    if (c < 0x80) {
      put(c);
      continue;
    }
    if (c < 0x800) {
      put(0xC0U | (c >> 6U));
    } else {
      if (c < 0x10000) {
        put(0xE0U | (c >> 12U));
      } else {
        put(0xF0U | (c >> 18U));
        put(0x80U | ((c >> 12U) & 0x3FU));
      }
      put(0x80U | ((c >> 6U) & 0x3FU));
    }
    put(0x80U | (c & 0x3FU));
  }
  return text;
}

std::optional<std::size_t> line_of_no_utf8(std::string_view text) {
  std::size_t line = 1;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return line;
    if (text.front() == '\n') ++line;
    text.remove_prefix(length);
  }
  return std::nullopt;
}

bool is_unicode_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_variable_name(std::string_view word) {
  if (word.empty() || is_ascii_digit(word.front())) return false;
  return std::all_of(word.begin(), word.end(),
                     [](char c) { return is_ascii_alphanumeric(c) || c == '_'; });
}

PlainLines with_plain_line_ends(std::u32string_view text) {
  PlainLines plain;
  plain.text.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != U'\r') {
      plain.text += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != U'\n') {
      plain.lone.push_back(plain.text.size());
      plain.text += U'\n';
    }
  }
  return plain;
}

std::vector<std::size_t> closing_quotes(std::u32string_view text, std::size_t at) {
  std::vector<std::size_t> escaped;
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] != text[at]) continue;
    if (i == at + 1 || text[i - 1] != U'\\') {
      escaped.push_back(i);
      break;
    }
    escaped.push_back(i);
  }
  std::reverse(escaped.begin(), escaped.end());
  return escaped;
}

}  // namespace dagloop
