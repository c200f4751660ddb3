// Everything that a decision rests on, with sound defaults: set what a test is about, then decide.
#pragma once

#include <string>
#include <vector>

#include "dagloop/decide/decision.hpp"
#include "dagloop/report/words.hpp"
#include "support/make_quality.hpp"

namespace dagloop::test {

inline KeySpec make_key(const std::string& name, KeyType type, std::optional<double> min,
                        std::optional<double> max, std::optional<double> max_step) {
  KeySpec spec;
  spec.name = name;
  spec.type = type;
  spec.min = min;
  spec.max = max;
  spec.max_step = max_step;
  return spec;
}

inline KeySpec make_enum(const std::string& name, std::vector<std::string> values) {
  KeySpec spec;
  spec.name = name;
  spec.type = KeyType::enum_;
  spec.values = std::move(values);
  return spec;
}

/// Returns a rule on one KPI of the DAG population.
inline PolicyRule make_rule(const std::string& id, int rank, const std::string& kpi,
                            double threshold, const std::string& env_key,
                            PolicyRule::Operation operation, const std::string& operand) {
  PolicyRule rule;
  rule.id = id;
  rule.group = id;
  rule.rank = rank;
  rule.when = {{RuleCondition::Scope::population, kpi, Comparator::at_least, threshold, 20}};
  rule.env_key = env_key;
  rule.operation = operation;
  rule.operand = operand;
  rule.reason = "reason of " + id;
  rule.expected_effect = "effect of " + id;
  return rule;
}

/// Returns the default configuration, but for evidence: the figures alone decide.
inline DecisionConfig by_figures() {
  DecisionConfig config;
  config.evidence.mode = EvidenceMode::point;
  return config;
}

/// The inputs of decide(). The default is a canary at 30 % that is as good as its control.
struct DecideCase {
  QualityBuilder quality = healthy();
  std::vector<GateCheck> checks = default_gate();
  BaselineKind baseline = BaselineKind::automatic;
  DecisionConfig config = by_figures();
  Evidence evidence;
  const Evidence* sealed = nullptr;
  DataLimits limits;
  std::vector<KeySpec> keys{
      make_key("DAG_ROLLOUT_PERCENT", KeyType::int_, 0, 100, 40),
      make_key("DAG_NODE_TIMEOUT_MS", KeyType::duration_ms, 1000, 120000, 15000),
      make_key("DAG_RETRY_BACKOFF_MS", KeyType::duration_ms, 50, 10000, 1000),
      make_enum("DAG_FALLBACK_MODE", {"off", "rule", "legacy"})};
  std::vector<PolicyRule> rules;
  PolicyValues values{{"DAG_ROLLOUT_PERCENT", "30"},
                      {"DAG_NODE_TIMEOUT_MS", "30000"},
                      {"DAG_RETRY_BACKOFF_MS", "200"},
                      {"DAG_FALLBACK_MODE", "off"}};
  PolicyHistory history;
  TimePoint now = kAsOf + std::chrono::minutes{1};
  void (*edit)(Quality&) = nullptr;  // makes a report that no evaluation would give

  static QualityBuilder healthy() {
    return QualityBuilder()
        .current(make_runs(100, 98), Cohort::canary)
        .current(make_runs(200, 196), Cohort::control);
  }

  DecideCase& at_percent(int percent) {
    values["DAG_ROLLOUT_PERCENT"] = std::to_string(percent);
    return *this;
  }

  Decision decide() const {
    Quality built = quality.build();
    if (edit != nullptr) edit(built);
    const GateResult gate = evaluate_gate(checks, built, limits);
    return dagloop::decide({.quality = built,
                            .gate = gate,
                            .baseline = baseline,
                            .config = config,
                            .evidence = evidence,
                            .limits = limits,
                            .keys = keys,
                            .rules = rules,
                            .values = values,
                            .env_sha256 = "0123",
                            .history = history,
                            .now = now,
                            .approval_ttl = std::chrono::hours{24},
                            .proposed_by = "loop",
                            .sealed = sealed});
  }
};

/// Timeouts enough for a rule, while the gate passes: 5 of 100 canary runs, 10 of 200 control runs.
inline QualityBuilder with_timeouts() {
  return QualityBuilder()
      .current(make_runs_with_errors(100, 95, {{"TOOL_TIMEOUT", 5}}), Cohort::canary)
      .current(make_runs_with_errors(200, 190, {{"TOOL_TIMEOUT", 10}}), Cohort::control);
}

inline PolicyRule timeout_rule(const std::string& id = "raise", int rank = 10,
                               const std::string& key = "DAG_NODE_TIMEOUT_MS") {
  return make_rule(id, rank, "error_rate.timeout", 0.05, key, PolicyRule::Operation::multiply,
                   "1.5");
}

/// A success rate of 50 % in canary and control alike: FAIL without a fired trigger.
inline QualityBuilder failing() {
  return QualityBuilder()
      .current(make_runs_with_errors(100, 50, {{"TOOL_TIMEOUT", 50}}), Cohort::canary)
      .current(make_runs_with_errors(200, 100, {{"TOOL_TIMEOUT", 100}}), Cohort::control);
}

/// Returns the codes of the reasons, in order.
inline std::vector<std::string> codes(const std::vector<Reason>& reasons) {
  std::vector<std::string> all;
  for (const Reason& reason : reasons) all.push_back(reason.code);
  return all;
}

/// Returns the text of the reason with `code`; empty where there is none.
inline std::string text_of(const std::vector<Reason>& reasons, const std::string& code) {
  for (const Reason& reason : reasons) {
    if (reason.code == code) return reason_text(reason);
  }
  return {};
}

}  // namespace dagloop::test
