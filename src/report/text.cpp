#include "report/text.hpp"

#include <cstddef>

#include "base/utf8.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxCharacters = 80;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

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

std::string seen_text(std::string_view text) {
  std::string out = valid_utf8(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    // Line ends and tabs of a message: a page has no others of its own within a line.
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  return escape_controls(out);
}

std::string cut_text(std::string_view text) {
  std::string out = valid_utf8(text);
  std::size_t characters = 0;
  std::size_t end_of_cut = 0;
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (is_continuation(out[at])) continue;
    // One less than the most, for the ellipsis.
    if (++characters == kMaxCharacters) end_of_cut = at;
  }
  if (characters <= kMaxCharacters) return out;
  return out.substr(0, end_of_cut) + "…";
}

}  // namespace dagloop
