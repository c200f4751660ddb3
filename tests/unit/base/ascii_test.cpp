#include "dagloop/base/ascii.hpp"

#include <catch2/catch.hpp>
#include <string_view>

namespace dagloop {

TEST_CASE("a byte is a digit or a letter of ASCII alone, whatever the locale") {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    const auto is_in = [&](std::string_view all) { return all.find(c) != std::string_view::npos; };
    CHECK(is_ascii_digit(c) == is_in(kDigits));
    CHECK(is_ascii_lower(c) == is_in(kLower));
    CHECK(is_ascii_upper(c) == is_in(kUpper));
    CHECK(is_ascii_letter(c) == (is_in(kLower) || is_in(kUpper)));
    CHECK(is_ascii_alphanumeric(c) == (is_ascii_letter(c) || is_ascii_digit(c)));
  }
}

}  // namespace dagloop
