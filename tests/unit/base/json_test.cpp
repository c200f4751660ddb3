#include "dagloop/base/json.hpp"

#include <catch2/catch.hpp>

#include "base/embedded_schemas.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/json_schema.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

using test::Random;

std::string random_text(Random& random) {
  std::string text;
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    text += random.chance(0.1) ? std::string("ä")
                               : std::string(1, static_cast<char>(1 + random.below(126)));
  }
  return text;
}

Json random_value(Random& random, int depth) {
  switch (random.below(depth > 3 ? 5 : 7)) {
    case 0:
      return {};
    case 1:
      return random.chance(0.5);
    case 2:
      return static_cast<std::int64_t>(random.next());
    case 3:
      return random.uniform() * 1e6 - 5e5;
    case 4:
      return random_text(random);
    case 5: {
      Json::Array array;
      for (std::uint64_t i = random.below(4); i > 0; --i)
        array.push_back(random_value(random, depth + 1));
      return array;
    }
    default: {
      Json object = Json::object();
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        object[random_text(random)] = random_value(random, depth + 1);
      }
      return object;
    }
  }
}

std::string reading_error_of(const std::string& text) {
  try {
    static_cast<void>(parse_json(text, "f.json"));
  } catch (const Error& error) {
    return error.what();
  }
  return "(none)";
}

}  // namespace

TEST_CASE("any value reads back from each of its printed forms") {
  Random random(61);
  for (int round = 0; round < 2000; ++round) {
    const Json value = random_value(random, 0);
    REQUIRE(parse_json(to_pretty_json(value), "f") == value);
    REQUIRE(parse_json(to_compact_json(value), "f") == value);
    const std::string canonical = to_canonical_json(value);
    REQUIRE(to_canonical_json(parse_json(canonical, "f")) == canonical);
  }
}

TEST_CASE("the canonical form has sorted keys, no spaces and shortest numbers") {
  const Json value = parse_json(R"({"b": 1.50, "a": [true, null, 10.0], "ä": "x\ty"})", "f");
  CHECK(to_canonical_json(value) == R"({"a":[true,null,10],"b":1.5,"ä":"x\ty"})");
}

TEST_CASE("comments are allowed, and a fault says its line") {
  CHECK(parse_json("// c\n{\"a\": /* d */ 1}", "f").find("a")->as_integer() == 1);
  CHECK_THAT(reading_error_of("{\n\"a\": 1,\n}"), Catch::StartsWith("config: f.json:3:"));
  CHECK_THAT(reading_error_of(""), Catch::StartsWith("config: f.json:1:"));
  CHECK_THAT(reading_error_of("{} {}"), Catch::StartsWith("config: f.json:1:"));
  CHECK_THAT(reading_error_of("{\"a\":1,\n\"a\":2}"), Catch::Contains("the key \"a\" twice"));
  CHECK_THAT(reading_error_of("[99999999999999999999]"), Catch::StartsWith("config: "));
  CHECK_THAT(reading_error_of("[1e999]"), Catch::StartsWith("config: "));
  CHECK_THAT(reading_error_of("\"\xff\""), Catch::StartsWith("config: "));
  CHECK(reading_error_of(std::string(64, '[') + std::string(64, ']')) == "(none)");
  CHECK_THAT(reading_error_of(std::string(65, '[') + std::string(65, ']')),
             Catch::Contains("deeply"));
}

TEST_CASE("a reader's errors name file and key path, and what was found") {
  const Json value = parse_json(R"({"gate": {"checks": [{"n": "x"}]}, "t": "6 hours"})", "f");
  const JsonReader reader(value, "c.json");
  const JsonReader check = reader.at("gate").at("checks").elements()[0];
  CHECK_THROWS_WITH(
      check.at("n").number(),
      Catch::StartsWith("config: c.json: gate.checks[0].n: expected a number, found a"));
  CHECK_THROWS_WITH(check.at("m"), Catch::Contains("gate.checks[0]: the key \"m\" is missing"));
  CHECK_THROWS_WITH(reader.at("t").duration(), Catch::Contains("c.json: t: no duration"));
  CHECK_THROWS_WITH(reader.at("t").time(), Catch::Contains("c.json: t: no RFC 3339 time"));
  CHECK_THROWS_WITH(reader.allow_only({"gate"}), Catch::Contains("c.json: t: unknown key"));
  CHECK_THROWS_AS(reader.at("gate").elements(), Error);
  CHECK_FALSE(reader.find("absent"));
}

TEST_CASE("every shipped schema is a schema, and a fault names file and place") {
  for (const EmbeddedSchema& schema : embedded_schemas()) {
    CAPTURE(schema.name);
    CHECK_NOTHROW(parse_json(schema_text(schema.name), schema.name));
  }
  const Json bad = parse_json(R"({"input": {"dedupe": 5}})", "f");
  CHECK_THROWS_WITH(validate_schema(bad, "config", "c.json"),
                    Catch::StartsWith("config: c.json: ") && Catch::Contains("dedupe"));
  CHECK_NOTHROW(validate_schema(Json::object(), "config", "c.json"));
}

TEST_CASE("a text or key of any length is validated, not a crash of the patterns' engine") {
  const std::string digits(1 << 20, '1');
  const auto config = [](const std::string& key, const std::string& value) {
    Json document = Json::object();
    document[key] = Json(value);
    return document;
  };
  CHECK_THROWS_WITH(validate_schema(config("window", digits + "d"), "config", "c.json"),
                    Catch::StartsWith("config: c.json: "));
  CHECK_THROWS_WITH(validate_schema(config(digits, "1d"), "config", "c.json"),
                    Catch::Contains("a key of more than 512 bytes"));
  CHECK_NOTHROW(validate_schema(config("state", digits), "config", "c.json"));
}

}  // namespace dagloop
