#include "dagloop/policy/policy_key.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

KeySpec key(KeyType type) {
  KeySpec spec;
  spec.name = "K";
  spec.type = type;
  return spec;
}

KeySpec bounded(KeyType type, double min, double max, std::optional<double> max_step) {
  KeySpec spec = key(type);
  spec.min = min;
  spec.max = max;
  spec.max_step = max_step;
  return spec;
}

// A fault of "K", but for the value that is wrong.
KeyFault key_fault(KeyFault::Kind kind, std::string value, std::string demand, double limit = 0) {
  return {"K", kind, std::move(value), std::move(demand), limit};
}

KeyFault at_present(KeyFault fault) {
  fault.at = KeyFault::At::present;
  return fault;
}

TEST_CASE("key types print as their words") {
  CHECK(to_string(KeyType::bool_) == "bool");
  CHECK(to_string(KeyType::int_) == "int");
  CHECK(to_string(KeyType::float_) == "float");
  CHECK(to_string(KeyType::enum_) == "enum");
  CHECK(to_string(KeyType::duration_ms) == "duration_ms");
}

TEST_CASE("an integer is digits with at most a minus, and nothing else") {
  const KeySpec spec = key(KeyType::int_);
  CHECK(numeric_value(spec, "0") == 0.0);
  CHECK(numeric_value(spec, "42") == 42.0);
  CHECK(numeric_value(spec, "-7") == -7.0);
  CHECK(numeric_value(spec, "9007199254740992") == 9007199254740992.0);
  for (const std::string text : {"", " 1", "1 ", "+1", "1.0", "1e3", "0x10", "ten", "--1",
                                 "9007199254740993", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(numeric_value(spec, text) == std::nullopt);
  }
}

TEST_CASE("a duration is no negative integer") {
  const KeySpec spec = key(KeyType::duration_ms);
  CHECK(numeric_value(spec, "1500") == 1500.0);
  CHECK(numeric_value(spec, "-1") == std::nullopt);
  CHECK(numeric_value(spec, "1.5") == std::nullopt);
}

TEST_CASE("a float is a finite decimal number") {
  const KeySpec spec = key(KeyType::float_);
  CHECK(numeric_value(spec, "0.25") == 0.25);
  CHECK(numeric_value(spec, "-1e3") == -1000.0);
  CHECK(numeric_value(spec, "3") == 3.0);
  for (const std::string text : {"", "inf", "nan", "-inf", "1e999", "1,5", "1.5x"}) {
    CAPTURE(text);
    CHECK(numeric_value(spec, text) == std::nullopt);
  }
}

TEST_CASE("words are no numbers, whatever they look like") {
  CHECK(numeric_value(key(KeyType::bool_), "1") == std::nullopt);
  CHECK(numeric_value(key(KeyType::enum_), "1") == std::nullopt);
}

TEST_CASE("values print without a fraction for integers, as short as possible for floats") {
  CHECK(format_value(key(KeyType::int_), 45.0) == "45");
  CHECK(format_value(key(KeyType::duration_ms), 1e6) == "1000000");
  CHECK(format_value(key(KeyType::int_), -3.0) == "-3");
  CHECK(format_value(key(KeyType::float_), 0.1) == "0.1");
  CHECK(format_value(key(KeyType::float_), 1.5) == "1.5");
  CHECK_THROWS_AS(format_value(key(KeyType::bool_), 1), Error);
}

TEST_CASE("printed numbers are read back as they were") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> numbers(-1e6, 1e6);
  for (int i = 0; i < 1000; ++i) {
    const double value = numbers(random);
    const KeySpec spec = key(KeyType::float_);
    CHECK(numeric_value(spec, format_value(spec, value)) == value);
  }
}

TEST_CASE("a value is refused outside its bounds, not on them") {
  const KeySpec spec = bounded(KeyType::int_, 1, 6, std::nullopt);
  CHECK(value_fault(spec, "1") == std::nullopt);
  CHECK(value_fault(spec, "6") == std::nullopt);
  CHECK(value_fault(spec, "0") == key_fault(KeyFault::Kind::value_below_minimum, "0", "", 1));
  CHECK(value_fault(spec, "7") == key_fault(KeyFault::Kind::value_above_maximum, "7", "", 6));
  CHECK(value_fault(spec, "two") == key_fault(KeyFault::Kind::value_of_other_type, "two", "int"));
  CHECK(value_fault(key(KeyType::int_), "123456") == std::nullopt);
}

TEST_CASE("a bool is true, false, 1 or 0") {
  const KeySpec spec = key(KeyType::bool_);
  for (const std::string text : {"true", "false", "1", "0"}) CHECK_FALSE(value_fault(spec, text));
  for (const std::string text : {"", "yes", "True", "2"}) CHECK(value_fault(spec, text));
}

TEST_CASE("an enum is one of its words") {
  KeySpec spec = key(KeyType::enum_);
  spec.values = {"off", "rule"};
  CHECK(value_fault(spec, "rule") == std::nullopt);
  CHECK(value_fault(spec, "Rule") ==
        key_fault(KeyFault::Kind::value_not_listed, "Rule", "off, rule"));
  CHECK(value_fault(key(KeyType::enum_), "off").has_value());
}

TEST_CASE("a step is refused beyond the maximum step, either way, not at it") {
  const KeySpec spec = bounded(KeyType::int_, 0, 100, 40);
  CHECK(step_fault(spec, "60", "100") == std::nullopt);
  CHECK(step_fault(spec, "60", "20") == std::nullopt);
  CHECK(step_fault(spec, "59", "100") ==
        KeyFault{"K", KeyFault::Kind::step_above_maximum, "100", "", 40, "59"});
  CHECK(step_fault(spec, "60", "19").has_value());
  CHECK(step_fault(spec, "60", "60") == std::nullopt);
}

TEST_CASE("a step between decimal fractions is not refused for its last bits") {
  const KeySpec spec = bounded(KeyType::float_, 0, 1, 0.1);
  CHECK(step_fault(spec, "0.2", "0.3") == std::nullopt);
  CHECK(step_fault(spec, "0.7", "0.8") == std::nullopt);
  CHECK(step_fault(spec, "0.7", "0.801").has_value());
}

TEST_CASE(
    "a step is judged by its target first, and refused from a value it could not go back to") {
  const KeySpec spec = bounded(KeyType::int_, 0, 100, 40);
  CHECK(step_fault(spec, "90", "101") ==
        key_fault(KeyFault::Kind::value_above_maximum, "101", "", 100));
  CHECK(step_fault(spec, "many", "10") ==
        at_present(key_fault(KeyFault::Kind::value_of_other_type, "many", "int")));
  CHECK(step_fault(spec, "101", "100") ==
        at_present(key_fault(KeyFault::Kind::value_above_maximum, "101", "", 100)));
  CHECK(step_fault(bounded(KeyType::int_, 0, 100, std::nullopt), "many", "10").has_value());
  CHECK(step_fault(key(KeyType::bool_), "maybe", "true").has_value());
}

TEST_CASE("a suggestion inside bounds and step stays as it is") {
  const Clipped clipped = clip_value(bounded(KeyType::int_, 0, 100, 40), 50, 80);
  CHECK(clipped.value == 80);
  CHECK_FALSE(clipped.by.has_value());
}

TEST_CASE("a suggestion is clipped to the nearest of bounds and step, and says by which") {
  const KeySpec spec = bounded(KeyType::int_, 0, 100, 40);
  struct Case {
    double current, suggested, value;
    ClippedBy by;
  };
  const std::vector<Case> cases{{10, 90, 50, ClippedBy::maximum_step},
                                {90, 10, 50, ClippedBy::maximum_step},
                                {80, 130, 100, ClippedBy::bounds},
                                {20, -5, 0, ClippedBy::bounds},
                                {60, 500, 100, ClippedBy::bounds}};
  for (const Case& c : cases) {
    CAPTURE(c.current, c.suggested);
    const Clipped clipped = clip_value(spec, c.current, c.suggested);
    CHECK(clipped.value == c.value);
    CHECK(clipped.by == c.by);
    CHECK(clipped.suggested == c.suggested);
  }
}

TEST_CASE("an integer suggestion is rounded, and never over a fractional step") {
  CHECK(clip_value(bounded(KeyType::int_, 0, 100, std::nullopt), 3, 4.5).value == 5);
  CHECK(clip_value(bounded(KeyType::int_, 0, 100, 1.5), 3, 9).value == 4);
  CHECK(clip_value(bounded(KeyType::int_, 0.5, 2.5, std::nullopt), 1, 9).value == 2);
  CHECK(clip_value(bounded(KeyType::float_, 0, 100, 1.5), 3, 9).value == 4.5);
}

TEST_CASE("a present value too far outside its bounds stays where it is") {
  const Clipped clipped = clip_value(bounded(KeyType::int_, 50, 100, 5), 10, 60);
  CHECK(clipped.value == 10);
  CHECK(clipped.by == ClippedBy::no_room);
}

TEST_CASE("a clipped value is always an allowed step, whatever was suggested") {
  std::mt19937_64 random(11);
  std::uniform_int_distribution<int> numbers(-50, 150);
  std::uniform_int_distribution<int> steps(0, 60);
  for (int i = 0; i < 5000; ++i) {
    const int a = numbers(random);
    const int b = numbers(random);
    const auto type = i % 2 == 0 ? KeyType::int_ : KeyType::float_;
    const KeySpec spec = bounded(type, std::min(a, b), std::max(a, b), steps(random) / 4.0);
    const double current = std::clamp(numbers(random), std::min(a, b), std::max(a, b));
    const Clipped clipped = clip_value(spec, current, numbers(random) * 1.37);
    CAPTURE(a, b, *spec.max_step, current, clipped.value);
    CHECK(step_fault(spec, format_value(spec, current), format_value(spec, clipped.value)) ==
          std::nullopt);
  }
}

TEST_CASE("a key is found by its whole name") {
  std::vector<KeySpec> specs{key(KeyType::int_), key(KeyType::bool_)};
  specs[1].name = "OTHER";
  CHECK(find_key(specs, "OTHER") == &specs[1]);
  CHECK(find_key(specs, "OTH") == nullptr);
  CHECK(find_key({}, "K") == nullptr);
}

TEST_CASE("patches and values are read back from their JSON as they were") {
  const Patch patch{{"A", {"1", "2"}}, {"B", {"off", "rule"}}};
  const Json patch_json = patch_to_json(patch);
  CHECK(patch_from_json(JsonReader(patch_json, "d.json")) == patch);
  CHECK(to_compact_json(patch_json) ==
        R"({"A":{"before":"1","after":"2"},"B":{"before":"off","after":"rule"}})");
  const PolicyValues values{{"A", "1"}, {"B", ""}};
  const Json values_json = values_to_json(values);
  CHECK(values_from_json(JsonReader(values_json, "d.json")) == values);
  CHECK(to_compact_json(patch_to_json({})) == "{}");
}

TEST_CASE("a patch that is no patch is refused with its place") {
  for (const std::string text :
       {R"({"A": {"before": "1"}})", R"({"A": {"before": "1", "after": 2}})", R"({"A": "2"})",
        R"({"A": {"before": "1", "after": "2", "by": "me"}})", "[]"}) {
    const Json json = parse_json(text, "d.json");
    CAPTURE(text);
    CHECK_THROWS_WITH(patch_from_json(JsonReader(json, "d.json", "patch")),
                      Catch::Contains("d.json"));
  }
}

}  // namespace
}  // namespace dagloop
