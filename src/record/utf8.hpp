// Private to the record layer: what UTF-8 is (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace dagloop {

/// Returns the number of bytes of the character at the beginning of `text`; 0 where none is there.
constexpr std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto goes_on = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !goes_on(1)) return 0;
  if (first < 0xe0) return 2;
  // No form that is too long, no surrogate, nothing beyond U+10FFFF.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)) return 0;
  if (!goes_on(2)) return 0;
  if (first < 0xf0) return 3;
  return goes_on(3) ? 4 : 0;
}

}  // namespace dagloop
