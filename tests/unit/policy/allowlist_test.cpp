#include "dagloop/policy/allowlist.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "dagloop/base/json_schema.hpp"
#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

constexpr const char* kDocument = R"({"schema": "dagloop.policy_allowlist/1", "keys": [
  {"name": "PERCENT", "type": "int", "min": 0, "max": 100, "max_step": 40, "default": "0",
   "owner": "ops", "description": "share of runs"},
  {"name": "TIMEOUT_MS", "type": "duration_ms", "min": 1000, "max": 60000, "max_step": 15000,
   "default": "30000", "owner": "ops", "description": "of a node"},
  {"name": "RATIO", "type": "float", "min": 0, "max": 1, "max_step": 0.25, "default": "0.5",
   "owner": "ops", "description": "a share"},
  {"name": "MODE", "type": "enum", "values": ["safe", "fast"], "default": "safe",
   "owner": "dev", "description": "how"},
  {"name": "REUSE", "type": "bool", "default": "true", "owner": "dev", "description": "whether"}
]})";

Allowlist parse(const std::string& document) {
  return Allowlist::parse(parse_json(document, "allowlist.json"), "allowlist.json");
}

Allowlist allowlist() { return parse(kDocument); }

std::vector<KeyFault> refusals(const Patch& patch,
                               ChangeDirection direction = ChangeDirection::forward) {
  return allowlist().refusals(patch, direction);
}

// Checks that an allowlist of these keys is refused at this path.
void check_refused(const std::string& keys, const std::string& path, const std::string& what) {
  INFO(keys);
  const auto thrown = thrown_by([&] { parse(R"({"keys": [)" + keys + "]}"); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK(contains(thrown->message, "allowlist.json: " + path + ": "));
  CHECK(contains(thrown->message, what));
}

}  // namespace

TEST_CASE("an allowlist has its keys in the document's order, with all that is said of them") {
  const Allowlist list = allowlist();
  REQUIRE(list.keys().size() == 5);
  const KeySpec& percent = list.keys()[0];
  CHECK(percent.name == "PERCENT");
  CHECK(percent.type == KeyType::int_);
  CHECK(percent.min == 0.0);
  CHECK(percent.max == 100.0);
  CHECK(percent.max_step == 40.0);
  CHECK(percent.default_value == "0");
  CHECK(percent.owner == "ops");
  CHECK(percent.description == "share of runs");
  CHECK(percent.values.empty());
  CHECK(list.keys()[1].type == KeyType::duration_ms);
  CHECK(list.keys()[2].type == KeyType::float_);
  CHECK(list.keys()[3].type == KeyType::enum_);
  CHECK(list.keys()[3].values == std::vector<std::string>{"safe", "fast"});
  CHECK_FALSE(list.keys()[3].max_step.has_value());
  CHECK(list.keys()[4].type == KeyType::bool_);
}

TEST_CASE("the allowlist that ships fits its schema and is read") {
  const std::string path = std::string(DAGLOOP_CONFIG_DIR) + "/policy_allowlist.json";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Json document = parse_json(text, path);
  CHECK_NOTHROW(validate_schema(document, "allowlist", path));
  const Allowlist list = Allowlist::parse(document, path);
  CHECK(find_key(list.keys(), "DAG_ROLLOUT_PERCENT") != nullptr);
}

TEST_CASE("a document that is no allowlist is refused with the place of the fault") {
  check_refused(R"({"type": "int", "default": "0"})", "keys[0]", "\"name\" is missing");
  check_refused(R"({"name": "A", "default": "0"})", "keys[0]", "\"type\" is missing");
  check_refused(R"({"name": "A", "type": "text", "default": "0"})", "keys[0].type", "unknown type");
  check_refused(R"({"name": "A", "type": "int", "default": "0", "maximum": 5})", "keys[0].maximum",
                "");
  check_refused(R"({"name": "A", "type": "int", "default": 0})", "keys[0].default", "string");
  check_refused(R"({"name": "A", "type": "int", "default": "0", "min": "0"})", "keys[0].min",
                "number");
  CHECK(thrown_by([] { parse("{}"); }).has_value());
  CHECK(thrown_by([] { parse("[]"); }).has_value());
}

TEST_CASE("a key that stands twice is refused") {
  check_refused(R"({"name": "A", "type": "bool", "default": "0"},
                   {"name": "B", "type": "bool", "default": "0"},
                   {"name": "A", "type": "int", "default": "0"})",
                "keys[2].name", "\"A\" stands twice");
}

TEST_CASE("bounds that leave nothing, a step of nothing and an enum of nothing are refused") {
  check_refused(R"({"name": "A", "type": "int", "default": "2", "min": 3, "max": 1})", "keys[0]",
                "min is above max");
  check_refused(R"({"name": "A", "type": "int", "default": "2", "max_step": 0})",
                "keys[0].max_step", "not above 0");
  check_refused(R"({"name": "A", "type": "int", "default": "2", "max_step": -1})",
                "keys[0].max_step", "not above 0");
  check_refused(R"({"name": "A", "type": "enum", "default": "x"})", "keys[0]",
                "an enum without values");
  check_refused(R"({"name": "A", "type": "enum", "default": "x", "values": []})", "keys[0]",
                "an enum without values");
}

TEST_CASE("a default that the key itself does not allow is refused") {
  check_refused(R"({"name": "A", "type": "int", "default": "101", "max": 100})", "keys[0].default",
                "\"101\" is not what the key itself allows");
  check_refused(R"({"name": "A", "type": "int", "default": "1.5"})", "keys[0].default",
                "\"1.5\" is not");
  check_refused(R"({"name": "A", "type": "bool", "default": "yes"})", "keys[0].default",
                "\"yes\" is not");
  check_refused(R"({"name": "A", "type": "enum", "default": "x", "values": ["y"]})",
                "keys[0].default", "\"x\" is not");
  check_refused(R"({"name": "A", "type": "duration_ms", "default": "-1"})", "keys[0].default",
                "\"-1\" is not");
}

TEST_CASE("a change within type, bounds and step is allowed, for each type") {
  CHECK(refusals({}).empty());
  CHECK(refusals({{"PERCENT", {"0", "40"}},
                  {"TIMEOUT_MS", {"30000", "45000"}},
                  {"RATIO", {"0.5", "0.75"}},
                  {"MODE", {"safe", "fast"}},
                  {"REUSE", {"true", "false"}}})
            .empty());
}

TEST_CASE("a key off the allowlist is refused in both directions, and its values are not shown") {
  for (const auto direction : {ChangeDirection::forward, ChangeDirection::back}) {
    const auto reasons = refusals({{"DATABASE_URL", {"s3cr3t", "s3cr3t2"}}}, direction);
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0] == KeyFault{"DATABASE_URL", KeyFault::Kind::key_not_allowlisted});
  }
  CHECK(refusals({{"percent", {"0", "10"}}}).size() == 1);
  CHECK(refusals({{"", {"0", "10"}}}).size() == 1);
}

TEST_CASE("each refused key has a fault that names it, also among allowed ones") {
  const auto reasons = refusals({{"PERCENT", {"90", "101"}},
                                 {"TIMEOUT_MS", {"30000", "999"}},
                                 {"RATIO", {"0.5", "half"}},
                                 {"MODE", {"safe", "turbo"}},
                                 {"REUSE", {"true", "false"}},
                                 {"OTHER", {"1", "2"}}});
  REQUIRE(reasons.size() == 5);
  CHECK(reasons[0] == KeyFault{"MODE", KeyFault::Kind::value_not_listed, "turbo", "safe, fast"});
  CHECK(reasons[1] == KeyFault{"OTHER", KeyFault::Kind::key_not_allowlisted});
  CHECK(reasons[2] == KeyFault{"PERCENT", KeyFault::Kind::value_above_maximum, "101", "", 100});
  CHECK(reasons[3] == KeyFault{"RATIO", KeyFault::Kind::value_of_other_type, "half", "float"});
  CHECK(reasons[4] == KeyFault{"TIMEOUT_MS", KeyFault::Kind::value_below_minimum, "999", "", 1000});
}

TEST_CASE("a step beyond the maximum is refused forward and allowed back") {
  const Patch patch{{"PERCENT", {"0", "41"}}};
  REQUIRE(refusals(patch).size() == 1);
  CHECK(refusals(patch)[0].kind == KeyFault::Kind::step_above_maximum);
  CHECK(refusals(patch, ChangeDirection::back).empty());
}

TEST_CASE("a way back beyond the bounds is refused all the same") {
  CHECK(refusals({{"PERCENT", {"0", "101"}}}, ChangeDirection::back).size() == 1);
  CHECK(refusals({{"MODE", {"safe", "turbo"}}}, ChangeDirection::back).size() == 1);
}

TEST_CASE("a step from a value that is none of the type is refused forward, not guessed") {
  CHECK(refusals({{"PERCENT", {"many", "10"}}}).size() == 1);
  CHECK(refusals({{"PERCENT", {"many", "10"}}}, ChangeDirection::back).empty());
}

TEST_CASE("a change away from a value that there is no way back to is refused") {
  for (const Patch& patch : std::vector<Patch>{{{"MODE", {"turbo", "fast"}}},
                                               {{"MODE", {"", "fast"}}},
                                               {{"REUSE", {"maybe", "true"}}},
                                               {{"RATIO", {"1.1", "1"}}}}) {
    const auto reasons = refusals(patch);
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0].at == KeyFault::At::present);
    CHECK(refusals(patch, ChangeDirection::back).empty());
  }
}

TEST_CASE("the values in an env file are those of allowlisted keys alone") {
  const auto env = EnvFile::parse("PERCENT=10\nTOKEN=s3cr3t\nexport MODE='fast'\n", "e");
  CHECK(allowlist().values_in(env) == PolicyValues{{"PERCENT", "10"}, {"MODE", "fast"}});
  CHECK(allowlist().values_in(EnvFile::parse("", "e")).empty());
}

TEST_CASE("values are not read from a file where an allowlisted key is ambiguous") {
  const auto env = EnvFile::parse("PERCENT=10\nMODE=$X\n", "e");
  const auto thrown = thrown_by([&] { static_cast<void>(allowlist().values_in(env)); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK(contains(thrown->message, "e:2: MODE "));
  CHECK(allowlist().values_in(EnvFile::parse("PERCENT=10\nTOKEN=$X\nTOKEN=2\n", "e")).size() == 1);
}
