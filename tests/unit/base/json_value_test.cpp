#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/embedded_schemas.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/json_schema.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

Json parsed(std::string_view text) { return parse_json(text, "f.json"); }

std::string value_error_of(std::string_view text) {
  try {
    static_cast<void>(parsed(text));
  } catch (const Error& error) {
    return error.what();
  }
  return "(none)";
}

Json shuffled(const Json& object, test::Random& random) {
  Json::Object members = object.as_object();
  for (std::size_t i = members.size(); i > 1; --i) {
    std::swap(members[i - 1], members[random.below(i)]);
  }
  return members;
}

}  // namespace

TEST_CASE("every number prints so that it reads back the same, and its form stays the same") {
  test::Random random(81);
  std::vector<double> numbers{0.0,
                              -0.0,
                              0.1,
                              1e-7,
                              1e21,
                              1e22,
                              5e-324,
                              1e15,
                              1.5e15,
                              1.0e16,
                              9.1e15,
                              9.3e18,
                              -9.3e18,
                              9223372036854775808.0,
                              1e23,
                              -1e300,
                              2e-308,
                              1e100,
                              0.1 * 3,
                              9007199254740993.0,
                              123456789012345680000.0,
                              -9223372036854775808.0,
                              std::numeric_limits<double>::max()};
  for (int i = 0; i < 3000; ++i) {
    numbers.push_back((random.uniform() - 0.5) * std::pow(10.0, random.uniform() * 60 - 30));
  }
  for (const double number : numbers) {
    const std::string text = to_canonical_json(Json(number));
    CAPTURE(number, text);
    REQUIRE(parsed(text).as_number() == number);
    REQUIRE(to_canonical_json(parsed(text)) == text);
  }
}

TEST_CASE("integers keep every bit") {
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{9007199254740993},
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    CHECK(parsed(to_compact_json(Json(number))).as_integer() == number);
  }
  CHECK_THAT(value_error_of("9223372036854775808"), Catch::Contains("too large"));
  CHECK_THAT(value_error_of("-9223372036854775809"), Catch::Contains("too large"));
}

TEST_CASE("a value that JSON cannot hold is a bug of the caller") {
  CHECK_THROWS_AS(Json(std::numeric_limits<double>::infinity()), Error);
  CHECK_THROWS_AS(Json(std::numeric_limits<double>::quiet_NaN()), Error);
  CHECK_THROWS_AS(Json(std::uint64_t{1} << 63U), Error);
  CHECK(Json((std::uint64_t{1} << 63U) - 1).as_integer() ==
        std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("reading a value as another type is a bug of the caller") {
  const Json text("x");
  CHECK_THROWS_AS(text.as_bool(), Error);
  CHECK_THROWS_AS(text.as_integer(), Error);
  CHECK_THROWS_AS(text.as_number(), Error);
  CHECK_THROWS_AS(text.as_array(), Error);
  CHECK_THROWS_AS(text.as_object(), Error);
  CHECK_THROWS_AS(Json(1).as_string(), Error);
  CHECK_THROWS_AS(Json(1.5).as_integer(), Error);
  CHECK(Json(1).as_number() == 1.0);
}

TEST_CASE("members are found, added in order and overwritten in place") {
  Json value;
  value["b"] = 1;
  value["a"] = "x";
  value["b"] = 2;
  value["list"].push_back(true);
  CHECK(to_compact_json(value) == R"({"b":2,"a":"x","list":[true]})");
  CHECK(value.find("c") == nullptr);
  CHECK(Json("x").find("a") == nullptr);
  CHECK(to_compact_json(Json::object({{"a", 1}, {"b", nullptr}})) == R"({"a":1,"b":null})");
}

TEST_CASE("the pretty form has two spaces a level, a line end, and empty things on one line") {
  CHECK(to_pretty_json(parsed(R"({"a":[1,{"b":[]}],"c":{}})")) ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}\n");
  CHECK(to_pretty_json(Json()) == "null\n");
}

TEST_CASE("strings are escaped as JSON asks and UTF-8 passes through") {
  CHECK(to_compact_json(Json("\"\\/\n\r\t\b\f\x01\x7f")) ==
        R"("\"\\/\n\r\t\u0008\u000c\u0001\u007f")");
  CHECK(to_compact_json(Json("ä€😀")) == "\"ä€😀\"");
  CHECK(parsed(R"("\u00e4\u20ac\ud83d\ude00")") == Json("ä€😀"));
  CHECK(parsed(to_compact_json(Json(std::string("a\0b", 3)))) == Json(std::string("a\0b", 3)));
  for (const char* text :
       {R"("\ud83d")", R"("\x41")", "\"a\nb\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\""}) {
    CAPTURE(text);
    CHECK(value_error_of(text) != "(none)");
  }
}

TEST_CASE("the canonical form sorts by bytes at every depth, arrays keep their order") {
  CHECK(to_canonical_json(parsed(R"({"é":1,"z":{"b":1,"a":2},"Z":[3,1,2],"":0,"za":1})")) ==
        R"({"":0,"Z":[3,1,2],"z":{"a":2,"b":1},"za":1,"é":1})");
}

TEST_CASE("the canonical form does not depend on the order of members") {
  test::Random random(82);
  Json object = Json::object();
  for (int i = 0; i < 30; ++i) object["k" + std::to_string(random.below(1'000'000))] = i;
  const std::string digest = sha256_hex(to_canonical_json(object));
  for (int round = 0; round < 100; ++round) {
    REQUIRE(sha256_hex(to_canonical_json(shuffled(object, random))) == digest);
  }
}

TEST_CASE("a key that stands twice is refused at any depth, in different objects it is not") {
  CHECK_THAT(value_error_of("{\"a\": {\"b\": 1,\n\"b\": 1}}"),
             Catch::StartsWith("config: f.json:2: the key \"b\" twice"));
  CHECK_THAT(value_error_of(R"([{"a":1},{"x":1,"y":2,"x":3}])"), Catch::Contains("\"x\" twice"));
  CHECK_THAT(value_error_of(R"({"a":1,"\u0061":2})"), Catch::Contains("\"a\" twice"));
  CHECK(value_error_of(R"({"a":{"a":1},"b":[{"a":1},{"a":1}],"A":1})") == "(none)");
}

TEST_CASE("comments stand anywhere between tokens, and not inside a string") {
  const Json value = parsed("/* a\n * b */ [ // c\n1 /**/, \"// no /* comment */\" ] // end");
  CHECK(to_compact_json(value) == R"([1,"// no /* comment */"])");
  CHECK_THAT(value_error_of("[1,\n/* never closed"), Catch::StartsWith("config: f.json:2:"));
  CHECK(value_error_of("# no comment\n1") != "(none)");
}

TEST_CASE("a fault is told with the line it stands on") {
  CHECK_THAT(value_error_of("{\n\n\"a\": tru\n}"), Catch::StartsWith("config: f.json:3:"));
  CHECK_THAT(value_error_of("[\n99999999999999999999\n]"), Catch::StartsWith("config: f.json:2:"));
  CHECK_THAT(value_error_of("{\n\"a\nb\": 1}"), Catch::StartsWith("config: f.json:2:"));
  CHECK_THAT(value_error_of("[1,\n2\n"), Catch::StartsWith("config: f.json:2:"));
}

TEST_CASE("no text that is cut short reads as JSON") {
  const std::string text = R"({"a":[1.5,true,null,"ä"],"b":{"c":-2}})";
  REQUIRE(value_error_of(text) == "(none)");
  for (std::size_t length = 0; length < text.size(); ++length) {
    CAPTURE(length);
    CHECK_THAT(value_error_of(text.substr(0, length)), Catch::StartsWith("config: f.json:1:"));
  }
}

TEST_CASE("what other readers let through is refused") {
  for (const char* text : {"NaN", "Infinity", "01", "+1", ".5", "1.", "'a'", "[1,]", "{a:1}",
                           "{\"a\"}", "[1 2]", "1 2", "True", "0x10"}) {
    CAPTURE(text);
    CHECK(value_error_of(text) != "(none)");
  }
}

TEST_CASE("objects are limited in depth as arrays are") {
  std::string text = "1";
  for (int depth = 0; depth < 64; ++depth) text = "{\"a\":" + text + "}";
  CHECK(value_error_of(text) == "(none)");
  CHECK_THAT(value_error_of("[" + text + "]"), Catch::Contains("deeply"));
}

TEST_CASE("a reader reads each type and tells what it found instead") {
  const Json value = parsed(
      R"({"s":"x","b":true,"i":3,"n":2.5,"t":"2026-02-25T06:00:00Z","d":"6h","z":null,"a":[1],"o":{"k":1}})");
  const JsonReader reader(value, "c.json");
  CHECK(reader.at("s").string() == "x");
  CHECK(reader.at("b").boolean());
  CHECK(reader.at("i").integer() == 3);
  CHECK(reader.at("i").number() == 3.0);
  CHECK(reader.at("n").number() == 2.5);
  CHECK(reader.at("t").time() == parse_time("2026-02-25T06:00:00Z"));
  CHECK(reader.at("d").duration() == std::chrono::hours(6));
  CHECK_FALSE(reader.find("z"));
  CHECK(reader.at("a").elements()[0].path() == "a[0]");
  CHECK(reader.at("o").members()[0].second.path() == "o.k");
  const auto found = [](const std::string& kind) {
    return Catch::EndsWith("found " + kind + "; mend the value");
  };
  CHECK_THROWS_WITH(reader.at("n").integer(), found("a number"));
  CHECK_THROWS_WITH(reader.at("s").boolean(), found("a string"));
  CHECK_THROWS_WITH(reader.at("z").string(), found("null"));
  CHECK_THROWS_WITH(reader.at("b").number(), found("true or false"));
  CHECK_THROWS_WITH(reader.at("a").string(), found("an array"));
  CHECK_THROWS_WITH(reader.at("o").time(), found("an object"));
  CHECK_THROWS_WITH(reader.at("s").at("x"),
                    Catch::StartsWith("config: c.json: s: expected an object"));
  CHECK_THROWS_WITH(reader.at("s").members(), Catch::Contains("expected an object"));
  CHECK_THROWS_WITH(JsonReader(value, "c.json").elements(),
                    Catch::StartsWith("config: c.json: expected"));
}

TEST_CASE("a reader allows the keys it is told and no other") {
  const Json value = parsed(R"({"o":{"a":1,"b":2}})");
  const JsonReader reader = JsonReader(value, "c.json").at("o");
  CHECK_NOTHROW(reader.allow_only({"b", "a", "c"}));
  CHECK_THROWS_WITH(reader.allow_only({"a"}),
                    Catch::StartsWith("config: c.json: o.b: unknown key"));
}

TEST_CASE("a schema's faults are told in plain words, all that there are") {
  const auto faults_of = [](std::string_view text, std::string_view schema) -> std::string {
    try {
      validate_schema(parsed(text), schema, "c.json");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::config);
      return error.what();
    }
    return "(none)";
  };
  const std::string duration = R"((give a number and a unit, e.g. "90m", "6h", "1d"))";
  const std::string end = "; docs/configuration.md describes every key";
  CHECK(faults_of(R"({"decision":{"soack":"1h","zzz":1},"window":"1day","x":1})", "config") ==
        "config: c.json: decision.soack: unknown key (did you mean soak? the keys here are ladder, "
        "rollout_key, evidence, alpha, promotion_alpha, promotion_excludes_drop_pp, patience, "
        "min_sample, promotion_margin_pp, soak, verification_timeout, cooldown, warmup, triggers); "
        "decision.zzz: unknown key; "
        "window: \"1day\" is not of the right form " +
            duration +
            "; x: unknown key (the keys here are window, baseline, input, error_classes, gate, "
            "decision, policy, state, reports)" +
            end);
  CHECK(faults_of(R"({"window":7,"input":{"sources":"logs","dedupe":5,"mapping":""}})", "config") ==
        "config: c.json: window: is a number " + duration +
            R"(; input.sources: is a string (give a list of strings: ["logs"]))"
            R"(; input.dedupe: is 5 (give one of "runs", "records"))"
            "; input.mapping: is empty (give a value)" +
            end);
  CHECK(faults_of(R"({"decision":{"alpha":3,"ladder":[1],"triggers":{"p95_ms":0}},"gate":{}})",
                  "config") ==
        "config: c.json: decision.alpha: is 3 (give at most 0.5); decision.ladder: has 1 elements "
        "(give at least 2); decision.triggers.p95_ms: is 0 (give more than 0); gate.checks: is "
        "missing" +
            end);
  CHECK(faults_of("[1]", "config") ==
        "config: c.json: the document: is a list (give an object)" + end);
  CHECK(
      faults_of(R"({"schema":"dagloop.quality_report/1","x":1})", "approval") ==
      "config: c.json: schema: is \"dagloop.quality_report/1\" (give \"dagloop.policy_approval/1\","
      " or the right file); its schema is config/schemas/approval.schema.json");
  CHECK_THAT(
      faults_of(R"({"name":"alice","public_key":"AAAA"})", "approvers"),
      Catch::StartsWith("config: c.json: approvers: is missing ({\"approvers\": [ENTRY]}") &&
          Catch::Contains("; name: unknown key (the keys here are approvers); public_key: "));
}

TEST_CASE("a fault that has no plain words is told in the validator's") {
  const Json bad = parsed(R"({"schema":"dagloop.mapping/1",
                              "fields":{"status":{"column":"a","pointer":"/b"}}})");
  CHECK_THROWS_WITH(validate_schema(bad, "mapping", "m.json"),
                    Catch::StartsWith("config: m.json: [fields][status]: "));
}

TEST_CASE("a document with a great many faults is told about in few of them") {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += "\"\\u001b" + std::to_string(i) + "\":\"x\",";
  text.back() = '}';
  try {
    validate_schema(parsed(text), "config", "c.json");
    FAIL("no fault was found");
  } catch (const Error& error) {
    const std::string told = error.what();
    CHECK(told.size() < 1500);
    CHECK(told.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("a schema of an unknown name is a bug of the caller") {
  CHECK_FALSE(embedded_schemas().empty());
  CHECK_THROWS_AS(schema_text("none"), Error);
}

TEST_CASE("every shipped schema is a draft-07 object schema") {
  for (const EmbeddedSchema& shipped : embedded_schemas()) {
    const Json schema = parse_json(shipped.text, shipped.name);
    CAPTURE(shipped.name);
    REQUIRE(schema.find("$schema") != nullptr);
    CHECK_THAT(schema.find("$schema")->as_string(), Catch::Contains("draft-07"));
  }
}

}  // namespace dagloop
