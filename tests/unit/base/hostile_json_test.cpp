// Documents made to break their reader: refused with a message, never a crash or an endless wait.
#include <catch2/catch.hpp>
#include <string>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/base/json_schema.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string parse_error_of(const std::string& text) {
  try {
    static_cast<void>(parse_json(text, "f.json"));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::config);
    return error.what();
  }
  return "(none)";
}

std::string schema_error_of(const Json& document, std::string_view schema) {
  try {
    validate_schema(document, schema, "f.json");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::config);
    return error.what();
  }
  return "(none)";
}

std::string object_of(std::size_t members) {
  std::string text = "{";
  for (std::size_t i = 0; i < members; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  text.back() = '}';
  return text;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("a document nested too deeply is refused, however deep and whether it ends or not") {
  for (const std::size_t depth : {65U, 10'000U, 1'000'000U}) {
    CHECK_THAT(parse_error_of(std::string(depth, '[') + std::string(depth, ']')),
               Catch::Contains("nested too deeply"));
    CHECK_THAT(parse_error_of(std::string(depth, '[')), Catch::Contains("nested too deeply"));
    CHECK_THAT(parse_error_of(repeated("{\"a\":", depth)), Catch::Contains("nested too deeply"));
  }
}

TEST_CASE("a key that stands twice is refused at every level, however it is written") {
  CHECK_THAT(parse_error_of(R"({"a":1,"b":{"c":1,"d":2,"c":3}})"),
             Catch::Contains("the key \"c\" twice"));
  CHECK_THAT(parse_error_of(R"({"patch":{"A":{"before":"1","after":"2"},"\u0041":{}}})"),
             Catch::Contains("the key \"A\" twice"));
  CHECK_THAT(parse_error_of("{\"\":1,\"\":1}"), Catch::Contains("the key \"\" twice"));
  CHECK(parse_error_of(R"({"a":{"a":{"a":1}},"A":[{"a":1},{"a":2}]})") == "(none)");
  for (const std::size_t count : {31U, 32U, 33U, 34U, 5000U}) {
    const std::string text = object_of(count);
    CHECK(parse_error_of(text) == "(none)");
    for (const std::size_t twice : {std::size_t{0}, count / 2, count - 1}) {
      const std::string again = ",\"k" + std::to_string(twice) + "\":1}";
      CHECK_THAT(parse_error_of(text.substr(0, text.size() - 1) + again), Catch::Contains("twice"));
    }
  }
}

TEST_CASE("many members cost little more each than few") {
  CHECK(parse_error_of(object_of(300'000)) ==
        "(none)");  // hours, if each were compared with all others
}

TEST_CASE("a repeated key is named without its control characters, and not at length") {
  const std::string message = parse_error_of("{\"\\u001b[2J\":1,\"\\u001b[2J\":1}");
  CHECK_THAT(message, Catch::Contains("\\x1b[2J"));
  CHECK(message.find('\x1b') == std::string::npos);
  const std::string key = "\"" + std::string(kMiB, 'k') + "\":1";
  CHECK(parse_error_of("{" + key + "," + key + "}").size() < 300);
}

TEST_CASE("nothing hides behind a NUL byte") {
  const std::string nul(1, '\0');
  CHECK_THAT(parse_error_of("{\"a\":1}" + nul),
             Catch::Contains("f.json:1: no valid JSON: a NUL byte"));
  CHECK_THAT(parse_error_of("{}\n" + nul + "{\"b\":2}"), Catch::Contains("f.json:2:"));
  CHECK_THAT(parse_error_of("{\"a\":\"x" + nul + "y\"}"), Catch::Contains("NUL"));
  CHECK_THAT(parse_error_of("// comment" + nul), Catch::Contains("NUL"));
  CHECK_THAT(parse_error_of(nul), Catch::Contains("NUL"));
  CHECK(parse_json(R"("x\u0000y")", "f").as_string() == std::string("x\0y", 3));
}

TEST_CASE("numbers beyond what is held are refused, never rounded or cut") {
  for (const char* number :
       {"9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e999", "-1e400",
        "1.8e308", "NaN", "Infinity", "-Infinity", "0x10", "01", "+1", ".5", "1.", "1e", "- 1"}) {
    INFO(number);
    CHECK(parse_error_of(number) != "(none)");
  }
  CHECK_THAT(parse_error_of(std::string(300, '9')), Catch::Contains("too large"));
  CHECK(parse_error_of(std::string(100'000, '9')) != "(none)");
  CHECK(parse_error_of("1e-999") == "(none)");  // is zero, as near as a double comes
  CHECK(parse_json("9223372036854775807", "f").as_integer() == INT64_MAX);
  CHECK(parse_json("-9223372036854775808", "f").as_integer() == INT64_MIN);
  const std::string digits = "0." + std::string(100'000, '3');
  CHECK(parse_json(digits, "f").as_number() == Approx(1.0 / 3));
}

TEST_CASE("texts that are not UTF-8 are refused") {
  for (const char* bytes :
       {"\x80", "\xff", "\xc3", "\xc0\xaf", "\xc1\x81", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x28\xa1"}) {
    CHECK(parse_error_of("\"" + std::string(bytes) + "\"") != "(none)");
    CHECK(parse_error_of("{\"" + std::string(bytes) + "\":1}") != "(none)");
  }
  for (const char* escape : {"\\ud83d", "\\ude00", "\\ud83d\\u0041", "\\u12", "\\x41", "\\"}) {
    CHECK(parse_error_of("\"" + std::string(escape) + "\"") != "(none)");
  }
  CHECK(parse_error_of("\"a\tb\"") != "(none)");  // control characters are escaped in JSON
}

TEST_CASE("a byte order mark is passed over once at the start, UTF-16 is no document") {
  CHECK(parse_json("\xef\xbb\xbf{\"a\":1}", "f").find("a")->as_integer() == 1);
  CHECK(parse_error_of("\xef\xbb\xbf\xef\xbb\xbf{}") != "(none)");
  CHECK(parse_error_of("{}\xef\xbb\xbf") != "(none)");
  CHECK(parse_error_of("\xef\xbb") != "(none)");
  CHECK(parse_error_of("\xff\xfe{\x01}\x01") != "(none)");
}

TEST_CASE("a comment or a text that never ends is refused") {
  for (const char* text : {"/*", "{} /* *", "//", "/", "\"abc", "{\"a", "[1,", "{\"a\":1,", "t"}) {
    INFO(text);
    CHECK(parse_error_of(text) != "(none)");
  }
}

TEST_CASE("a document too large to be one is refused before it is read") {
  CHECK(parse_json("\"" + std::string(60 * kMiB, 'x') + "\"", "f").as_string().size() == 60 * kMiB);
  CHECK_THAT(parse_error_of("\"" + std::string(100 * kMiB, 'x') + "\""),
             Catch::Contains("f.json:1: a document of more than 64 MiB"));
  CHECK_THAT(parse_error_of("[" + repeated("0,", 4'000'000) + "0]"),
             Catch::Contains("more than 4 million values"));
}

TEST_CASE("a text of any length is held against a schema's pattern") {
  for (const std::size_t size : {std::size_t{512}, std::size_t{513}, 2 * kMiB}) {
    const std::string digits(size, '1');
    const std::string name(size, 'A');
    CHECK(schema_error_of(Json::object({{"window", digits}}), "config") != "(none)");
    CHECK(schema_error_of(Json::object({{"window", digits + "h"}}), "config") != "(none)");
    CHECK(schema_error_of(Json::object({{"state", name}}), "config") == "(none)");
    const Json key = Json::object({{"rollout_key", name}});
    CHECK((schema_error_of(Json::object({{"decision", key}}), "config") == "(none)") ==
          (size == 512));
  }
  const std::string beginning = "{\"" + std::string(512, 'k');
  const std::string two_keys = beginning + "1\":1," + beginning.substr(1) + "2\":1}";
  CHECK_THAT(schema_error_of(parse_json(two_keys, "f"), "config"), Catch::Contains("512 bytes"));
}

TEST_CASE("a schema is not held against a document of more values than any has") {
  Json::Array sources(100'000, Json(1));
  const Json input = Json::object({{"sources", Json(std::move(sources))}});
  CHECK_THAT(schema_error_of(Json::object({{"input", input}}), "config"),
             Catch::Contains("more than 100000 values"));
}

}  // namespace dagloop
