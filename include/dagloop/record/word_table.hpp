// Words, and the values that they stand for. Values, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "dagloop/base/ascii.hpp"

namespace dagloop {

/// A word, and the value that it stands for.
template <typename Value>
struct Word {
  std::string_view text;
  Value value;
};

/// Returns the printed word of a value; empty where it has none.
template <typename Value, std::size_t kCount>
constexpr std::string_view word_of(const std::array<Word<Value>, kCount>& words, Value value) {
  for (const Word<Value>& word : words) {
    if (word.value == value) return word.text;
  }
  return "";
}

/// Returns the value that a word stands for; nullopt for a word that is not in the table.
template <typename Value, std::size_t kCount>
constexpr std::optional<Value> value_of(const std::array<Word<Value>, kCount>& words,
                                        std::string_view text) {
  for (const Word<Value>& word : words) {
    if (word.text == text) return word.value;
  }
  return std::nullopt;
}

/// Returns the value that a word stands for in whatever case, with or without spaces around it.
template <typename Value, std::size_t kCount>
constexpr std::optional<Value> value_in_any_case(const std::array<Word<Value>, kCount>& words,
                                                 std::string_view text) {
  const std::string_view plain = trim_spaces(text);
  for (const Word<Value>& word : words) {
    if (is_same_in_any_case(word.text, plain)) return word.value;
  }
  return std::nullopt;
}

}  // namespace dagloop
