// The rules and the allowlist that ship: valid, consistent, and saying what they should.
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/policy/allowlist.hpp"
#include "decide_case.hpp"
#include "support/make_codes.hpp"

namespace dagloop {
namespace {

using test::make_node;
using test::make_runs;
using test::make_runs_with_errors;
using test::QualityBuilder;

Json shipped(const std::string& name) {
  std::ifstream file(std::string(DAGLOOP_CONFIG_DIR) + "/" + name);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return parse_json(text.str(), name);
}

std::vector<PolicyRule> shipped_rules() {
  return parse_rules(shipped("policy_rules.json"), "policy_rules.json");
}

std::vector<KeySpec> shipped_keys() {
  return Allowlist::parse(shipped("policy_allowlist.json"), "policy_allowlist.json").keys();
}

PolicyValues defaults() {
  PolicyValues values;
  for (const KeySpec& key : shipped_keys()) values[key.name] = key.default_value;
  return values;
}

/// Returns what the shipped rules make of `runs`: key -> suggested.
std::map<std::string, std::string> suggested(const KpiPartial& runs) {
  std::map<std::string, std::string> all;
  const auto set = recommend(shipped_rules(), QualityBuilder().current(runs).build(),
                             shipped_keys(), defaults());
  for (const Recommendation& r : set.recommendations) all[r.env_key] = r.suggested;
  return all;
}

using Suggested = std::map<std::string, std::string>;

TEST_CASE("shipped rules and allowlist satisfy their schemas") {
  validate_schema(shipped("policy_rules.json"), "policy_rules", "policy_rules.json");
  validate_schema(shipped("policy_allowlist.json"), "allowlist", "policy_allowlist.json");
}

TEST_CASE("the schemas refuse what has no meaning") {
  const auto rules = [](const std::string& from, const std::string& to) {
    std::string text = to_compact_json(shipped("policy_rules.json"));
    const auto place = text.find(from);
    REQUIRE(place != std::string::npos);
    text.replace(place, from.size(), to);
    validate_schema(parse_json(text, "r"), "policy_rules", "r");
  };
  CHECK_NOTHROW(rules("\"rank\":5", "\"rank\":6"));
  CHECK_THROWS_AS(rules("\"rank\":5", "\"rank\":0"), Error);
  CHECK_THROWS_AS(rules("\"add\"", "\"divide\""), Error);
  CHECK_THROWS_AS(rules("\"group\"", "\"gruop\""), Error);
  CHECK_THROWS_AS(rules("compensation_failed_rate", "compensation_rate"), Error);
  CHECK_THROWS_AS(rules("policy_rules/1", "policy_rules/2"), Error);

  const auto key = [](const std::string& members) {
    const std::string text = R"({"schema": "dagloop.policy_allowlist/1", "keys": [{"name": "K",
        "owner": "me", "description": "k", )" +
                             members + "}]}";
    validate_schema(parse_json(text, "a"), "allowlist", "a");
  };
  CHECK_NOTHROW(key(R"("type": "int", "default": "1", "min": 0, "max": 2, "max_step": 1)"));
  CHECK_NOTHROW(key(R"("type": "enum", "default": "a", "values": ["a", "b"])"));
  CHECK_NOTHROW(key(R"("type": "bool", "default": "true")"));
  CHECK_THROWS_AS(key(R"("type": "text", "default": "a")"), Error);
  CHECK_THROWS_AS(key(R"("type": "enum", "default": "a")"), Error);
  CHECK_THROWS_AS(key(R"("type": "int", "default": "1", "values": ["1"])"), Error);
  CHECK_THROWS_AS(key(R"("type": "bool", "default": "true", "min": 0)"), Error);
  CHECK_THROWS_AS(key(R"("type": "enum", "default": "a", "values": ["a"], "max_step": 1)"), Error);
  CHECK_THROWS_AS(key(R"("type": "int", "default": 1)"), Error);
  CHECK_THROWS_AS(key(R"("type": "int")"), Error);
}

TEST_CASE("the schema of rules knows exactly the KPIs that there are") {
  const Json schema = parse_json(schema_text("policy_rules"), "policy_rules.schema.json");
  const JsonReader root(schema, "policy_rules.schema.json");
  std::vector<std::string> names;
  for (const JsonReader& name :
       root.at("definitions").at("condition").at("properties").at("kpi").at("enum").elements()) {
    names.push_back(name.string());
  }
  CHECK(names == kpi_names());
}

TEST_CASE("each allowlisted default is a value of its key") {
  for (const KeySpec& key : shipped_keys()) {
    CAPTURE(key.name);
    CHECK(value_fault(key, key.default_value) == std::nullopt);
  }
  CHECK(shipped_keys().size() == 12);
}

TEST_CASE("the default ladder's steps are allowed by the shipped allowlist") {
  const std::vector<KeySpec> keys = shipped_keys();
  const DecisionConfig config;
  const KeySpec* rollout = find_key(keys, config.rollout_key);
  REQUIRE(rollout != nullptr);
  for (std::size_t i = 0; i + 1 < config.ladder.size(); ++i) {
    CHECK(step_fault(*rollout, std::to_string(config.ladder[i]),
                     std::to_string(config.ladder[i + 1])) == std::nullopt);
  }
}

TEST_CASE("each shipped rule speaks of an allowlisted key other than the rollout's") {
  const std::vector<KeySpec> keys = shipped_keys();
  std::set<int> ranks;
  for (const PolicyRule& rule : shipped_rules()) {
    CAPTURE(rule.id);
    CHECK(find_key(keys, rule.env_key) != nullptr);
    CHECK(rule.env_key != "DAG_ROLLOUT_PERCENT");
    CHECK(ranks.insert(rule.rank).second);
  }
}

TEST_CASE("healthy runs call for no change") {
  KpiPartial runs = make_runs(1000, 990);
  runs.nodes["n"] = make_node(3000, 60, 60, 50);
  runs.fanout_total = 500;
  runs.fanout_failed = 5;
  runs.compensation_total = 50;
  CHECK(suggested(runs).empty());
}

TEST_CASE("each finding calls for its change, from its threshold on") {
  struct Case {
    std::string error_code;
    std::uint64_t errors;
    Suggested expected;
  };
  const std::vector<Case> cases{
      {"TOOL_TIMEOUT", 5, {{"DAG_NODE_TIMEOUT_MS", "45000"}}},  // no run met the pipeline's
      {"TOOL_RATE_LIMITED", 3, {{"DAG_FANOUT_CONCURRENCY", "4"}, {"DAG_RETRY_BACKOFF_MS", "400"}}},
      {"TOOL_SERVER_ERROR", 5, {{"DAG_RETRY_BACKOFF_MS", "300"}}},
      {"DSL_VALIDATION_FAILED", 5, {{"DAG_PLAN_VALIDATION", "strict"}}},
      {"LLM_AUTOFILL_FAILED", 5, {{"DAG_FALLBACK_MODE", "rule"}}},
      {"VERIFY_COUNT_MISMATCH", 5, {{"DAG_STRICT_VERIFICATION", "true"}}}};
  for (const Case& c : cases) {
    CAPTURE(c.error_code);
    KpiPartial runs = make_runs_with_errors(100, 100 - c.errors, {{c.error_code, c.errors}});
    if (c.error_code.starts_with("VERIFY")) runs.verification_failed = c.errors;
    CHECK(suggested(runs) == c.expected);
    test::set_codes(runs, {{c.error_code, c.errors - 1}});
    if (c.error_code.starts_with("VERIFY")) --runs.verification_failed;
    CHECK(suggested(runs).empty());
  }
}

TEST_CASE("failed compensations and fan-out items call for their changes") {
  KpiPartial runs = make_runs(100, 100);
  runs.compensation_total = 10;
  runs.compensation_failed = 1;
  CHECK(suggested(runs) == Suggested{{"DAG_COMPENSATION_MAX_ATTEMPTS", "3"}});
  runs.compensation_failed = 0;
  runs.fanout_total = 50;
  runs.fanout_failed = 5;
  CHECK(suggested(runs) == Suggested{{"DAG_FANOUT_CONCURRENCY", "4"}});
}

/// 1000 pairs of 3 attempts, 300 of which fail at first: of those each retry mends a share.
NodePartial retried(double mended) {
  const auto first = static_cast<std::uint64_t>(300 * mended);
  const auto second = static_cast<std::uint64_t>((300 - static_cast<double>(first)) * mended);
  const std::uint64_t retries = 300 + (300 - first);
  return make_node(1000 + retries, 300 + retries - first - second, retries, first + second);
}

TEST_CASE("one more attempt is suggested only where retries are seen to succeed") {
  KpiPartial runs = make_runs(1000, 900);
  runs.nodes["n"] = retried(0.5);  // 75 are lost, half of which another attempt would mend
  CHECK(suggested(runs) == Suggested{{"DAG_NODE_MAX_ATTEMPTS", "4"}});
  runs.nodes["n"] = retried(0.2);
  CHECK(suggested(runs) == Suggested{{"DAG_NODE_MAX_ATTEMPTS", "4"}});
  runs.nodes["n"] = retried(0.15);
  CHECK(suggested(runs).empty());
}

TEST_CASE("one more attempt is not suggested where what retries could mend they have mended") {
  KpiPartial runs = make_runs(1000, 900);
  // 200 of 300 are mended by the first retry, none by the second: the others last.
  runs.nodes["n"] = make_node(1400, 500, 400, 200);
  CHECK(suggested(runs).empty());
}

TEST_CASE("failures that are not retried never call for another attempt") {
  KpiPartial runs = make_runs(100, 60);
  runs.nodes["n"] = make_node(100, 40, 0, 0);
  CHECK(suggested(runs).empty());
}

TEST_CASE("where every run succeeds another attempt is not suggested") {
  KpiPartial runs = make_runs(100, 100);
  runs.nodes["n"] = make_node(200, 60, 60, 50);
  CHECK(suggested(runs).empty());
}

TEST_CASE("one attempt fewer is suggested where retries almost never succeed") {
  KpiPartial runs = make_runs(100, 60);
  runs.nodes["n"] = make_node(200, 80, 60, 3);
  CHECK(suggested(runs) == Suggested{{"DAG_NODE_MAX_ATTEMPTS", "2"}});
  runs.nodes["n"] = make_node(200, 80, 60, 4);
  CHECK(suggested(runs).empty());
}

TEST_CASE("where one node's retries succeed and another's never, no attempt is taken away") {
  KpiPartial runs = make_runs(1000, 900);
  runs.nodes["never"] = make_node(1160, 240, 160, 0);
  runs.nodes["often"] = retried(0.5);
  CHECK(suggested(runs) == Suggested{{"DAG_NODE_MAX_ATTEMPTS", "4"}});
}

}  // namespace
}  // namespace dagloop
