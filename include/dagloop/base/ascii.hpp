// What a byte of ASCII is, whatever the locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace dagloop {

/// Returns whether `c` is one of 0 to 9.
constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

/// Returns whether `c` is one of a to z.
constexpr bool is_ascii_lower(char c) { return c >= 'a' && c <= 'z'; }

/// Returns whether `c` is one of A to Z.
constexpr bool is_ascii_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// Returns whether `c` is a letter of either case.
constexpr bool is_ascii_letter(char c) { return is_ascii_lower(c) || is_ascii_upper(c); }

/// Returns `c`, an upper-case letter as the lower-case one.
constexpr char to_ascii_lower(char c) {
  return is_ascii_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Returns whether two texts differ in nothing but the case of letters.
constexpr bool is_same_in_any_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_ascii_lower(a[i]) != to_ascii_lower(b[i])) return false;
  }
  return true;
}

/// Returns `text` without the spaces before and behind it.
constexpr std::string_view trim_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Returns whether `c` is a letter or a digit.
constexpr bool is_ascii_alphanumeric(char c) { return is_ascii_letter(c) || is_ascii_digit(c); }

}  // namespace dagloop
