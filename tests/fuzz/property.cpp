#include "property.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "dagloop/base/redaction.hpp"

namespace dagloop::fuzz {
namespace {

constexpr std::size_t kMaxMessage = 2000;  // as the executables print it

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

}  // namespace

void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", property);
  std::abort();
}

void require_plain(const Error& error) {
  require(error.kind() != ErrorKind::internal, "no input reaches a bug");
  const std::string_view message = error.what();
  if (message.size() <= kMaxMessage && std::ranges::none_of(message, is_control)) return;
  const std::string shown = redact_text(message, kMaxMessage);
  require(std::ranges::none_of(shown, is_control), "no message has control characters");
  require(shown.size() <= kMaxMessage + 3, "no message is endless");
}

void require_plain(std::string_view text) {
  require(
      std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\n' && c != '\t'; }),
      "no text for people has control characters");
  require(text.find("\xc2\x9b") == std::string_view::npos, "nor one of Unicode's");
}

void require_same_when_printed(const Json& document) {
  const std::string canonical = to_canonical_json(document);
  const Json again = parse_json(canonical, "the canonical form");
  require(to_canonical_json(again) == canonical, "the canonical form is its own canonical form");
  const Json pretty = parse_json(to_pretty_json(document), "the pretty form");
  require(to_canonical_json(pretty) == canonical, "the pretty form has the same value");
  const std::string compact = to_compact_json(document);
  require(to_compact_json(parse_json(compact, "the compact form")) == compact,
          "the compact form keeps the order of members");
}

}  // namespace dagloop::fuzz
