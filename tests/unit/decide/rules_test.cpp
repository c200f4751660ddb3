#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/recommendation.hpp"

namespace dagloop {
namespace {

const std::string kRule = R"({
    "id": "raise-node-timeout", "group": "timeouts", "rank": 10,
    "when": [{"kpi": "error_rate.timeout", "comparator": ">=", "threshold": 0.05,
              "min_sample": 30},
             {"node_kpi": "retry_success_rate", "comparator": "<", "threshold": 0.5}],
    "then": {"env_key": "DAG_NODE_TIMEOUT_MS", "operation": "multiply", "operand": "1.5"},
    "reason": "Runs end by timeout.", "expected_effect": "Fewer timeouts."})";

std::string document(const std::string& rules) {
  return R"({"schema": "dagloop.policy_rules/1", "rules": [)" + rules + "]}";
}

std::vector<PolicyRule> parse_rule_text(const std::string& text) {
  return parse_rules(parse_json(text, "rules.json"), "rules.json");
}

/// Returns kRule with one piece of its text replaced.
std::string changed(const std::string& from, const std::string& to) {
  std::string rule = kRule;
  const auto place = rule.find(from);
  REQUIRE(place != std::string::npos);
  return rule.replace(place, from.size(), to);
}

TEST_CASE("a rule is read with all its members") {
  const auto rules = parse_rule_text(document(kRule));
  REQUIRE(rules.size() == 1);
  const PolicyRule& rule = rules[0];
  CHECK(rule.id == "raise-node-timeout");
  CHECK(rule.group == "timeouts");
  CHECK(rule.rank == 10);
  REQUIRE(rule.when.size() == 2);
  CHECK(rule.when[0].scope == RuleCondition::Scope::population);
  CHECK(rule.when[0].kpi == "error_rate.timeout");
  CHECK(rule.when[0].comparator == Comparator::at_least);
  CHECK(rule.when[0].threshold == 0.05);
  CHECK(rule.when[0].min_sample == 30);
  CHECK(rule.when[1].scope == RuleCondition::Scope::node);
  CHECK(rule.when[1].kpi == "retry_success_rate");
  CHECK(rule.when[1].comparator == Comparator::below);
  CHECK(rule.when[1].min_sample == 20);
  CHECK(rule.env_key == "DAG_NODE_TIMEOUT_MS");
  CHECK(rule.operation == PolicyRule::Operation::multiply);
  CHECK(rule.operand == "1.5");
  CHECK(rule.reason == "Runs end by timeout.");
  CHECK(rule.expected_effect == "Fewer timeouts.");
}

TEST_CASE("add and set are read, set with any word") {
  const auto add = parse_rule_text(
      document(changed(R"("multiply", "operand": "1.5")", R"("add", "operand": "-1")")));
  CHECK(add[0].operation == PolicyRule::Operation::add);
  const auto set = parse_rule_text(
      document(changed(R"("multiply", "operand": "1.5")", R"("set", "operand": "strict")")));
  CHECK(set[0].operation == PolicyRule::Operation::set);
  CHECK(set[0].operand == "strict");
}

TEST_CASE("all four figures of a node can be asked for") {
  for (const std::string name : {"failure_rate", "p95_latency_ms", "attempts"}) {
    CHECK(parse_rule_text(document(changed("retry_success_rate", name)))[0].when[1].kpi == name);
  }
}

TEST_CASE("a document without rules is read as no rules") {
  CHECK(parse_rule_text(document("")).empty());
}

TEST_CASE("a faulty rule is refused with file and place") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {changed("\"error_rate.timeout\"", "\"timeouts\""), "rules[0].when[0].kpi"},
      {changed("\"retry_success_rate\"", "\"success\""), "rules[0].when[1].node_kpi"},
      {changed("\">=\"", "\"=\""), "rules[0].when[0].comparator"},
      {changed("0.05", "5"), "rules[0].when[0].threshold"},
      {changed("0.05", "-0.05"), "rules[0].when[0].threshold"},
      {changed("\"min_sample\": 30", "\"min_sample\": 0"), "rules[0].when[0].min_sample"},
      {changed("\"kpi\": \"error_rate.timeout\",", ""), "rules[0].when[0]"},
      {changed("\"kpi\": \"error_rate.timeout\",",
               "\"kpi\": \"error_rate.timeout\", \"node_kpi\": \"attempts\","),
       "rules[0].when[0]"},
      {changed("\"multiply\"", "\"divide\""), "rules[0].then.operation"},
      {changed("\"1.5\"", "\"much\""), "rules[0].then.operand"},
      {changed("\"1.5\"", "\"0\""), "rules[0].then.operand"},
      {changed("\"1.5\"", "\"-2\""), "rules[0].then.operand"},
      {changed("\"1.5\"", "\"inf\""), "rules[0].then.operand"},
      {changed("\"1.5\"", "1.5"), "rules[0].then.operand"},
      {changed("\"DAG_NODE_TIMEOUT_MS\"", "\"\""), "rules[0].then.env_key"},
      {changed("\"rank\": 10", "\"rank\": 0"), "rules[0].rank"},
      {changed("\"rank\": 10", "\"rank\": 1001"), "rules[0].rank"},
      {changed("\"raise-node-timeout\"", "\"\""), "rules[0].id"},
      {changed("\"group\"", "\"gruop\""), "gruop"},
      {changed("\"Fewer timeouts.\"", "\"\""), "rules[0].expected_effect"}};
  for (const auto& [rule, place] : cases) {
    CAPTURE(rule);
    CHECK_THROWS_WITH(parse_rule_text(document(rule)),
                      Catch::Contains("rules.json") && Catch::Contains(place));
  }
}

TEST_CASE("a rule without conditions is refused, for it would always hold") {
  const std::string rule = R"({"id": "r", "group": "g", "rank": 1, "when": [],
      "then": {"env_key": "K", "operation": "set", "operand": "1"},
      "reason": "r", "expected_effect": "e"})";
  CHECK_THROWS_WITH(parse_rule_text(document(rule)), Catch::Contains("rule r has no condition"));
}

TEST_CASE("an id that stands twice is refused by its name") {
  CHECK_THROWS_WITH(parse_rule_text(document(kRule + "," + kRule)),
                    Catch::Contains("rules[1]") && Catch::Contains("raise-node-timeout"));
}

TEST_CASE("a document of another schema is refused") {
  CHECK_THROWS_WITH(parse_rule_text(R"({"schema": "dagloop.policy_rules/2", "rules": []})"),
                    Catch::Contains("dagloop.policy_rules/1"));
  CHECK_THROWS_AS(parse_rule_text(R"({"rules": []})"), Error);
  CHECK_THROWS_AS(parse_rule_text(R"({"schema": "dagloop.policy_rules/1"})"), Error);
}

}  // namespace
}  // namespace dagloop
