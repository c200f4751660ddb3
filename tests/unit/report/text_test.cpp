#include "report/text.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/json.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

constexpr const char* kBad = "\xEF\xBF\xBD";  // U+FFFD

std::size_t count_characters(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("valid UTF-8 stays as it is, the first and last characters of each length included") {
  for (const char* text :
       {"", "plain", "ä", "時間", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(valid_utf8(text) == text);
  }
}

TEST_CASE("bytes that are no UTF-8 are replaced one by one, and what follows is kept") {
  CHECK(valid_utf8("a\xFFz") == std::string("a") + kBad + "z");
  CHECK(valid_utf8("\xE9t\xE9") == std::string(kBad) + "t" + kBad);                 // Latin-1
  CHECK(valid_utf8("\x80x") == std::string(kBad) + "x");                            // stray
  CHECK(valid_utf8("\xC0\xAF") == std::string(kBad) + kBad);                        // overlong
  CHECK(valid_utf8("\xE0\x9F\xBF") == std::string(kBad) + kBad + kBad);             // overlong
  CHECK(valid_utf8("\xED\xA0\x80") == std::string(kBad) + kBad + kBad);             // surrogate
  CHECK(valid_utf8("\xF4\x90\x80\x80") == std::string(kBad) + kBad + kBad + kBad);  // > U+10FFFF
  CHECK(valid_utf8("\xF5\x80") == std::string(kBad) + kBad);
  CHECK(valid_utf8("x\xE6\x99") == std::string("x") + kBad + kBad);  // cut off
}

TEST_CASE("whatever the bytes, the result can stand in a JSON document") {
  test::Random random(41);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (std::uint64_t i = random.below(12); i > 0; --i) {
      bytes += static_cast<char>(random.below(256));
    }
    const std::string text = valid_utf8(bytes);
    REQUIRE(parse_json(to_compact_json(Json(text)), "t") == Json(text));
    REQUIRE(valid_utf8(text) == text);
  }
}

TEST_CASE("text of 80 characters is kept, and longer text is cut to 80 with an ellipsis") {
  CHECK(cut_text("TOOL_TIMEOUT") == "TOOL_TIMEOUT");
  CHECK(cut_text(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(cut_text(std::string(81, 'x')) == std::string(79, 'x') + "…");
}

TEST_CASE("text is cut by characters, never inside one") {
  std::string umlauts;
  for (int i = 0; i < 80; ++i) umlauts += "ü";
  CHECK(cut_text(umlauts) == umlauts);
  const std::string cut = cut_text(umlauts + "ü");
  CHECK(count_characters(cut) == 80);
  CHECK(valid_utf8(cut) == cut);
  CHECK(cut.ends_with("ü…"));
  CHECK(count_characters(cut_text(std::string(500, '\x80'))) == 80);
}

}  // namespace dagloop
