#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "dagloop/decide/recommendation.hpp"
#include "decide/check_reading.hpp"
#include "decide/operand.hpp"

namespace dagloop {

namespace {

constexpr std::string_view kSchema = "dagloop.policy_rules/1";
constexpr std::array<std::string_view, 4> kNodeKpis{"failure_rate", "retry_success_rate",
                                                    "p95_latency_ms", "attempts"};
constexpr std::array<std::string_view, 3> kOperations{"add", "multiply", "set"};

std::string read_text(const JsonReader& reader) {
  std::string text = reader.string();
  if (text.empty()) reader.fail("the text is empty", "say something here");
  return text;
}

std::string read_node_kpi(const JsonReader& reader) {
  std::string name = reader.string();
  if (std::find(kNodeKpis.begin(), kNodeKpis.end(), name) == kNodeKpis.end()) {
    reader.fail(fmt::format("unknown figure of a node \"{}\"", name),
                fmt::format("use one of {}", fmt::join(kNodeKpis, ", ")));
  }
  return name;
}

RuleCondition read_condition(const JsonReader& reader) {
  reader.allow_only({"kpi", "node_kpi", "comparator", "threshold", "min_sample"});
  const auto of_population = reader.find("kpi");
  const auto of_node = reader.find("node_kpi");
  if (of_population.has_value() == of_node.has_value()) {
    reader.fail("a condition is either on kpi or on node_kpi", "give exactly one of the two");
  }
  RuleCondition condition;
  condition.scope = of_node ? RuleCondition::Scope::node : RuleCondition::Scope::population;
  condition.kpi = of_node ? read_node_kpi(*of_node) : read_kpi_name(*of_population);
  condition.comparator = read_comparator(reader.at("comparator"));
  condition.threshold = read_threshold(reader.at("threshold"), condition.kpi);
  if (const auto place = reader.find("min_sample")) condition.min_sample = read_sample(*place);
  return condition;
}

void read_effect(const JsonReader& reader, PolicyRule& rule) {
  reader.allow_only({"env_key", "operation", "operand"});
  rule.env_key = read_text(reader.at("env_key"));
  const JsonReader operation = reader.at("operation");
  const auto word = std::find(kOperations.begin(), kOperations.end(), operation.string());
  if (word == kOperations.end()) {
    operation.fail(fmt::format("rule {}: unknown operation \"{}\"", rule.id, operation.string()),
                   "use add, multiply or set");
  }
  rule.operation = static_cast<PolicyRule::Operation>(word - kOperations.begin());
  const JsonReader operand = reader.at("operand");
  rule.operand = read_text(operand);
  if (rule.operation == PolicyRule::Operation::set) return;
  const auto number = operand_number(rule.operand);
  // Times 0, or a number below it, would throw the value away and not move it.
  if (!number || (rule.operation == PolicyRule::Operation::multiply && *number <= 0)) {
    operand.fail(fmt::format("rule {}: \"{}\" is no number to {} by", rule.id, rule.operand, *word),
                 "give a number in quotes, above 0 for multiply");
  }
}

EffectModel read_model(const JsonReader& reader) {
  const auto model = parse_effect_model(reader.string());
  if (!model) {
    reader.fail(fmt::format("unknown model \"{}\"", reader.string()),
                "use one_more_attempt, node_timeout, pipeline_timeout, fan_out_concurrency or "
                "fallback");
  }
  return *model;
}

PolicyRule read_rule(const JsonReader& reader) {
  reader.allow_only({"id", "group", "rank", "when", "then", "model", "reason", "expected_effect"});
  PolicyRule rule;
  rule.id = read_text(reader.at("id"));
  rule.group = read_text(reader.at("group"));
  const JsonReader rank = reader.at("rank");
  if (rank.integer() < 1 || rank.integer() > 1000) {
    rank.fail(fmt::format("rule {}: rank {} is outside 1 to 1000", rule.id, rank.integer()),
              "give 1 to the most important rule, 1000 to the least");
  }
  rule.rank = static_cast<int>(rank.integer());
  const JsonReader when = reader.at("when");
  for (const JsonReader& place : when.elements()) rule.when.push_back(read_condition(place));
  // It would hold always.
  if (rule.when.empty()) {
    when.fail(fmt::format("rule {} has no condition", rule.id), "give at least one");
  }
  read_effect(reader.at("then"), rule);
  if (const auto model = reader.find("model")) rule.model = read_model(*model);
  rule.reason = read_text(reader.at("reason"));
  rule.expected_effect = read_text(reader.at("expected_effect"));
  return rule;
}

}  // namespace

std::vector<PolicyRule> parse_rules(const Json& document, std::string_view where) {
  const JsonReader root(document, std::string(where));
  root.allow_only({"$schema", "schema", "rules"});
  if (const JsonReader schema = root.at("schema"); schema.string() != kSchema) {
    schema.fail(fmt::format("unknown schema \"{}\"", schema.string()),
                fmt::format("this version reads {}", kSchema));
  }
  std::vector<PolicyRule> rules;
  std::set<std::string> ids;
  for (const JsonReader& place : root.at("rules").elements()) {
    rules.push_back(read_rule(place));
    if (!ids.insert(rules.back().id).second) {
      place.fail(fmt::format("rule {} stands here a second time", rules.back().id),
                 "give every rule an id of its own");
    }
  }
  return rules;
}

}  // namespace dagloop
