// Private: which bytes are characters of UTF-8. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace dagloop {

/// Returns the length in bytes of the character that `text` begins with, 0 where it begins with
/// none: bytes that are no UTF-8, a character that is cut off.
///
/// Shape:  not empty.
/// Source: RFC 3629.
std::size_t character_length(std::string_view text);

/// Returns whether `byte` is one of a character's other than its first.
inline bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace dagloop
