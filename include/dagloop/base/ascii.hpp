// What a byte of ASCII is, whatever the locale.
#pragma once

namespace dagloop {

/// Returns whether `c` is one of 0 to 9.
constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

/// Returns whether `c` is one of a to z.
constexpr bool is_ascii_lower(char c) { return c >= 'a' && c <= 'z'; }

/// Returns whether `c` is one of A to Z.
constexpr bool is_ascii_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// Returns whether `c` is a letter of either case.
constexpr bool is_ascii_letter(char c) { return is_ascii_lower(c) || is_ascii_upper(c); }

/// Returns whether `c` is a letter or a digit.
constexpr bool is_ascii_alphanumeric(char c) { return is_ascii_letter(c) || is_ascii_digit(c); }

}  // namespace dagloop
