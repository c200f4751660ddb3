// Whatever stands in a field that is never read: the record is what it is without it.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "reading.hpp"

namespace dagloop::test {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

// The record of a line with a foreign field of this text before and behind all others.
void check_foreign(const std::string& json) {
  const std::string members = R"("status":"failed","error_code":"E","duration_ms":12.5,)"
                              R"("pipeline_run_id":"r1","created_at":"2026-02-25T06:00:00Z")";
  const std::vector<std::string> lines{"{\"x\":" + json + "," + members + "}",
                                       "{" + members + ",\"x\":" + json + "}",
                                       "{\"x\":" + json + "," + members + ",\"x\":" + json + " }"};
  for (const std::string& line : lines) {
    INFO(line.substr(0, 200));
    const Reading reading = read_line(line);
    REQUIRE(reading.is_record());
    CHECK(reading.record().run_key == "r1");
    CHECK(reading.record().status == Status::failed);
    CHECK(reading.record().error_code == "E");
    CHECK(reading.record().duration_ms == 12.5);
    CHECK(reading.record().mended == 0);
  }
}

}  // namespace

TEST_CASE("numbers that JSON or a double does not have are no fault of the line") {
  for (const char* json : {"1e400",
                           "-1E999",
                           "1e-400",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "nan",
                           "-nan",
                           "inf",
                           "+inf",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "0x1F",
                           "1e",
                           "-",
                           "None",
                           "True",
                           "undefined",
                           "nil",
                           "1_000",
                           "[NaN, {\"a\": -Infinity}, 1e400]",
                           "123456789012345678901234567890"}) {
    check_foreign(json);
  }
}

TEST_CASE("texts that are no Unicode or no JSON are no fault of the line") {
  for (const char* json :
       {R"("thanks \ud83d")", R"("\ude00x")", R"("\ud83d\ud83d\ude00")", R"("\ud83dA")",
        R"("\ud83d\u0041")", R"("\u12")", R"("\u")", R"("\uzzzz")", R"("\x41 \a \' \0")",
        "\"a\tb\x01\x1f\"", "\"\xff\xfe\"", "\"\xc3\"", "\"\xed\xa0\xbd\"", "\"\xc0\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", R"({"\ud83d":1,"\q":"\ud83d"})"}) {
    check_foreign(json);
  }
}

TEST_CASE("the depth of what is nested is no fault of the line") {
  for (const std::size_t depth : {100U, 499U, 500U, 501U, 1024U, 5000U, 100000U, 200000U}) {
    check_foreign(nested(depth));
  }
  std::string objects;
  for (int i = 0; i < 20000; ++i) objects += "{\"a\":[";
  objects += "\"\\ud83d\"";
  for (int i = 0; i < 20000; ++i) objects += "],\"b\":1e400}";
  check_foreign(objects);
  CHECK(outcome_of(run_line(",\"x\":" + std::string(5000, '[') + std::string(4999, ']'))) ==
        "not_json_object");
  CHECK(outcome_of(run_line(",\"x\":" + std::string(5000, '[') + "}" + std::string(4999, ']'))) ==
        "not_json_object");
  CHECK(outcome_of(run_line(",\"x\":" + std::string(5000, '[') + "1 2" + std::string(5000, ']'))) ==
        "not_json_object");
}

TEST_CASE("a repeated foreign key is no fault of the line") {
  check_foreign(R"({"a":1,"a":2})");
  CHECK(outcome_of(run_line(R"(,"y":1,"y":[],"y":"\ud83d")")) == "record");
}

TEST_CASE("a text of the contract that is no Unicode has U+FFFD there, and is mended") {
  const Reading half = read_line(run_line(R"(,"error_code":"E \ud83d!","x":"\ud83d")"));
  REQUIRE(half.is_record());
  CHECK(half.record().error_code == "E \xef\xbf\xbd!");
  CHECK(half.record().mended == field_bits(Field::error_code));
  const Reading bytes = read_line(run_line(",\"user_id\":\"\xff\",\"pipeline_run_id\":\"r\xc3\""));
  REQUIRE(bytes.is_record());
  CHECK(bytes.record().run_key == "r\xef\xbf\xbd");
  CHECK(bytes.record().mended == field_bits(Field::user_id, Field::pipeline_run_id));
  const Reading whole = read_line(run_line(R"(,"error_code":"\ud83d\ude00","x":"\ud83d")"));
  CHECK(whole.record().error_code == "\xf0\x9f\x98\x80");
  CHECK(whole.record().mended == 0);
  const Reading written = read_line(run_line(",\"error_code\":\"\xef\xbf\xbd\""));
  CHECK(written.record().mended == 0);
}

TEST_CASE("escapes and control characters in a text of the contract are kept as they stand") {
  CHECK(read_line(run_line("\t,\"error_code\":\"a\tb\"")).record().error_code == "a\tb");
  CHECK(read_line(run_line(R"(,"error_code":"C:\dir","x":NaN)")).record().error_code == "C:\\dir");
  CHECK(read_line(run_line(R"(,"error_code":"a\"b\\\u00e9","x":NaN)")).record().error_code ==
        "a\"b\\\xc3\xa9");
}

TEST_CASE("NaN and the infinities are null in a field of the contract") {
  for (const char* value : {"NaN", "Infinity", "-Infinity"}) {
    const Reading reading =
        read_line(run_line(std::string(",\"duration_ms\":") + value + ",\"error_code\":" + value));
    REQUIRE(reading.is_record());
    CHECK_FALSE(reading.record().duration_ms.has_value());
    CHECK(reading.record().error_code.empty());
    CHECK(reading.record().mended == 0);
    CHECK(outcome_of(run_line(std::string(",\"status\":") + value)) == "missing_status");
  }
}

TEST_CASE("a byte order mark before the first line is none of it") {
  CHECK(outcome_of("\xef\xbb\xbf" + run_line()) == "record");
}

TEST_CASE("what does not begin or end as one object is malformed") {
  const std::vector<std::string> lines{run_line() + run_line(),
                                       run_line() + "x",
                                       "x" + run_line(),
                                       run_line() + ",",
                                       "[NaN]",
                                       std::string("NaN"),
                                       run_line(R"(,"x":NaN)") + "}",
                                       "{\"a\":NaN,}",
                                       "{NaN:1}"};
  for (const std::string& line : lines) {
    INFO(line);
    CHECK(outcome_of(line) == "not_json_object");
  }
}

}  // namespace dagloop::test
