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

/// Returns the code point of a whole character.
char32_t code_point(std::string_view character);

/// Returns whether a character cannot be seen, or makes others be seen as what they are not:
/// control characters (also those of U+0080 to U+009F, which terminals obey), separators of lines
/// and paragraphs, marks and overrides of direction, and all other formatting.
///
/// Source: Unicode 15, general categories Cc, Cf, Zl and Zp, and the fillers among letters.
bool is_unseen(char32_t character);

}  // namespace dagloop
