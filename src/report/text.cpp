#include "report/text.hpp"

#include <cstddef>

namespace dagloop {
namespace {

constexpr std::size_t kMaxCharacters = 80;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool is_continuation(unsigned byte) { return (byte & 0xC0U) == 0x80U; }

std::size_t length_by_lead(unsigned lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte alone tells overlong forms, surrogates and what lies beyond U+10FFFF.
bool is_second(unsigned lead, unsigned second) {
  if (lead == 0xE0) return second >= 0xA0;
  if (lead == 0xED) return second <= 0x9F;
  if (lead == 0xF0) return second >= 0x90;
  if (lead == 0xF4) return second <= 0x8F;
  return true;
}

// The length in bytes of the character that `text` begins with, 0 where it begins with none.
std::size_t character_length(std::string_view text) {
  const std::size_t length = length_by_lead(byte_at(text, 0));
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(byte_at(text, i))) return 0;
  }
  return length == 1 || is_second(byte_at(text, 0), byte_at(text, 1)) ? length : 0;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    // U+FFFD for each byte that is none, as browsers do. JSON and HTML must be UTF-8, logs need
    // not.
    out += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string cut_text(std::string_view text) {
  std::string out = valid_utf8(text);
  std::size_t characters = 0;
  std::size_t end_of_cut = 0;
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (is_continuation(byte_at(out, at))) continue;
    // One less than the most, for the ellipsis.
    if (++characters == kMaxCharacters) end_of_cut = at;
  }
  if (characters <= kMaxCharacters) return out;
  return out.substr(0, end_of_cut) + "…";
}

}  // namespace dagloop
