#include "dagloop/decide/recommendation.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/fault_reason.hpp"
#include "decide/containment.hpp"
#include "decide/figures.hpp"
#include "decide/operand.hpp"
#include "decide/unread_runs.hpp"

namespace dagloop {

namespace {

/// How a threshold is taken: crossed by the figure itself, or not left by more than noise, for what
/// is proposed already. Otherwise a figure beside its threshold would withdraw and propose in turn.
enum class Crossing { now, as_proposed };

constexpr double kNoiseShare = 0.1;  // of a threshold, for figures without an interval

struct Figure {
  std::optional<double> value;
  std::uint64_t sample_count = 0;
  std::optional<Interval> ci95;
  std::vector<ReasonArg> args;
};

Figure figure_of(const std::string& name, const Kpi& kpi) {
  Figure figure{kpi.value, kpi.denominator, kpi.ci95, {{"kpi", name}}};
  add_kpi(figure.args, "", kpi);
  return figure;
}

Figure population_figure(const std::string& name, const KpiSet& kpis) {
  const Kpi* kpi = kpis.find(name);
  return kpi == nullptr ? Figure{} : figure_of(name, *kpi);
}

Figure node_figure(const std::string& name, const NodeKpis& node) {
  if (name == "failure_rate") return figure_of(name, node.failure_rate);
  if (name == "retry_success_rate") return figure_of(name, node.retry_success_rate);
  if (name == "p95_latency_ms") return figure_of(name, node.p95_latency_ms);
  DAGLOOP_ASSERT(name == "attempts");
  if (!node.attempts) return {};
  return {static_cast<double>(*node.attempts),
          *node.attempts,
          std::nullopt,
          {{"kpi", name}, {"attempts", *node.attempts}}};
}

bool holds_but_for_noise(const RuleCondition& condition, const Figure& figure) {
  const bool wants_high =
      condition.comparator == Comparator::at_least || condition.comparator == Comparator::above;
  const double noise = kNoiseShare * std::abs(condition.threshold);
  double reach = *figure.value + (wants_high ? noise : -noise);
  if (figure.ci95) reach = wants_high ? figure.ci95->high : figure.ci95->low;
  return holds(reach, condition.comparator, condition.threshold);
}

/// Returns the evidence where the condition holds for the figure.
std::optional<Reason> meets(const RuleCondition& condition, const Figure& figure,
                            Crossing crossing) {
  if (!figure.value || figure.sample_count < condition.min_sample) return std::nullopt;
  const bool is_crossed = holds(*figure.value, condition.comparator, condition.threshold);
  if (!is_crossed && crossing == Crossing::now) return std::nullopt;
  if (!is_crossed && !holds_but_for_noise(condition, figure)) return std::nullopt;
  Reason met{is_crossed ? "condition_met" : "condition_met_but_for_noise", figure.args};
  met.args.emplace_back("comparator", to_string(condition.comparator));
  met.args.emplace_back("threshold", condition.threshold);
  return met;
}

/// Returns the evidence where all conditions of `scope` hold; `figure` looks a figure up by name.
template <typename FigureOf>
std::optional<std::vector<Reason>> meets_all(const PolicyRule& rule, RuleCondition::Scope scope,
                                             Crossing crossing, const FigureOf& figure) {
  std::vector<Reason> evidence;
  for (const RuleCondition& condition : rule.when) {
    if (condition.scope != scope) continue;
    auto met = meets(condition, figure(condition.kpi), crossing);
    if (!met) return std::nullopt;
    evidence.push_back(std::move(*met));
  }
  return evidence;
}

std::optional<std::vector<Reason>> node_evidence(const PolicyRule& rule, const PopulationKpis& runs,
                                                 Crossing crossing) {
  const bool asks_nodes = std::any_of(
      rule.when.begin(), rule.when.end(),
      [](const auto& condition) { return condition.scope == RuleCondition::Scope::node; });
  if (!asks_nodes) return std::vector<Reason>{};
  for (const auto& entry : runs.nodes) {
    const auto met =
        meets_all(rule, RuleCondition::Scope::node, crossing,
                  [&](const std::string& name) { return node_figure(name, entry.second); });
    if (met) return std::vector{Reason{"node_meets", {{"node", entry.first}, {"met", *met}}}};
  }
  return std::nullopt;
}

std::optional<std::vector<Reason>> evidence_for(const PolicyRule& rule, const PopulationKpis& runs,
                                                Crossing crossing) {
  auto evidence =
      meets_all(rule, RuleCondition::Scope::population, crossing,
                [&](const std::string& name) { return population_figure(name, runs.decided()); });
  const auto node = node_evidence(rule, runs, crossing);
  if (!evidence || !node) return std::nullopt;
  evidence->insert(evidence->end(), node->begin(), node->end());
  return evidence;
}

/// Returns whether the conditions hold whatever it was that could not be read.
bool holds_at_both_ends(const PolicyRule& rule, const PopulationKpis& dag, Crossing crossing) {
  if (dag.unread() == 0) return true;
  return evidence_for(rule, with_unread_runs(dag, FigureCase::worst), crossing).has_value() &&
         evidence_for(rule, with_unread_runs(dag, FigureCase::best), crossing).has_value();
}

struct Suggestion {
  std::string value;
  std::optional<Reason> clipped;
};

std::optional<Reason> clip_reason(const Clipped& clipped) {
  if (!clipped.by) return std::nullopt;
  if (*clipped.by == ClippedBy::no_room) return Reason{"no_value_within_bounds_and_step"};
  const bool by_bounds = *clipped.by == ClippedBy::bounds;
  return Reason{by_bounds ? "clipped_by_bounds" : "clipped_by_maximum_step",
                {{"suggested", clipped.suggested}, {"value", clipped.value}}};
}

std::optional<Suggestion> suggest(const PolicyRule& rule, const KeySpec& spec,
                                  const std::string& current) {
  const auto from = numeric_value(spec, current);
  const auto operand = operand_number(rule.operand);
  if (!from || !operand) {  // a word, or a number in place of one
    if (rule.operation != PolicyRule::Operation::set) return std::nullopt;
    return Suggestion{rule.operand, std::nullopt};
  }
  double wanted = *operand;
  if (rule.operation == PolicyRule::Operation::add) wanted = *from + *operand;
  if (rule.operation == PolicyRule::Operation::multiply) wanted = *from * *operand;
  if (!std::isfinite(wanted)) return std::nullopt;
  const Clipped clipped = clip_value(spec, *from, wanted);
  return Suggestion{format_value(spec, clipped.value), clip_reason(clipped)};
}

bool same_value(const KeySpec& spec, const std::string& a, const std::string& b) {
  const auto is_true = [](const std::string& word) { return word == "true" || word == "1"; };
  // "1" and "true" are one value: a change between them would be a change of nothing.
  if (spec.type == KeyType::bool_) return !value_fault(spec, a) && is_true(a) == is_true(b);
  const auto number = numeric_value(spec, a);
  return a == b || (number && number == numeric_value(spec, b));
}

/// Collects recommendations, in rank order; the first rule to speak of a key is the only one heard,
/// even where it finds the key already where it wants it: a weaker rule would move it back and
/// forth.
class Collector {
 public:
  Collector(const Quality& quality, const std::vector<KeySpec>& keys, const PolicyValues& values,
            const ModelContext& context)
      : quality_(quality), keys_(keys), values_(values), context_(context) {}

  /// Takes note of which key each model moves.
  void add_models(const std::vector<PolicyRule>& rules) {
    for (const PolicyRule& rule : rules) {
      if (rule.model) model_keys_.emplace(*rule.model, rule.env_key);
    }
  }

  /// Returns whether `rule` would suggest what is proposed of its key already; something is.
  bool stands_behind_proposal(const PolicyRule& rule) const {
    const KeySpec* spec = find_key(keys_, rule.env_key);
    const auto current = values_.find(rule.env_key);
    if (spec == nullptr || current == values_.end()) return false;
    const std::string& proposed = context_.proposed.at(rule.env_key);
    const ModelAnswer answer = ask(rule, *spec);
    if (answer.kind != ModelAnswer::Kind::cannot_tell) return answer.value == proposed;
    const auto suggestion = suggest(rule, *spec, current->second);
    return suggestion && suggestion->value == proposed;
  }

  void add(const PolicyRule& rule, const std::vector<Reason>& evidence) {
    const KeySpec* spec = find_key(keys_, rule.env_key);
    if (spec == nullptr) return drop(rule, "key_not_allowlisted");
    const auto current = values_.find(rule.env_key);
    if (current == values_.end()) return drop(rule, "key_not_in_env_file");
    if (rule.model && trust_in(*rule.model, context_.ledger) == Trust::badly_calibrated) {
      return drop(rule, "model_badly_calibrated", {{"model", to_string(*rule.model)}});
    }
    const auto& runs = quality_.current.population(Population::dag);
    if (auto contained = rule_containment(rule.id, context_.ledger, runs)) {
      set_.dropped.push_back(std::move(*contained));
      return;
    }
    if (!spoken_for_.insert(rule.env_key).second) return drop(rule, "better_rank_wins");
    const ModelAnswer answer = ask(rule, *spec);
    switch (answer.kind) {
      case ModelAnswer::Kind::change:
        return add_predicted(rule, current->second, evidence, answer);
      case ModelAnswer::Kind::no_change:
        return drop(rule, "no_change_is_best", {{"why", std::vector{answer.why}}});
      case ModelAnswer::Kind::cannot_tell:
        return add_change(rule, *spec, current->second, evidence);
    }
  }

  /// Keeps the key as it is: what could not be read may say otherwise.
  void hold_back(const PolicyRule& rule) {
    spoken_for_.insert(rule.env_key);
    const PopulationKpis& dag = quality_.current.population(Population::dag);
    std::vector<ReasonArg> args{{"unread", dag.unread_runs}};
    add_unread_parts(args, {&dag});
    drop(rule, "unreadable_records_could_change_this", args);
  }

  RecommendationSet take() { return std::move(set_); }

 private:
  // A value that has no way back is for add_change() to refuse.
  ModelAnswer ask(const PolicyRule& rule, const KeySpec& spec) const {
    const bool can_move = !value_fault(spec, values_.at(rule.env_key));
    if (!rule.model || !quality_.service || !can_move) return {};
    ModelQuestion question{*rule.model,
                           quality_.current.population(Population::dag),
                           *quality_.service,
                           spec,
                           values_,
                           model_keys_,
                           context_.p95_limit_ms,
                           std::nullopt};
    const auto proposed = context_.proposed.find(rule.env_key);
    if (proposed != context_.proposed.end()) question.proposed = proposed->second;
    return ask_model(question);
  }

  void add_predicted(const PolicyRule& rule, const std::string& current,
                     const std::vector<Reason>& evidence, const ModelAnswer& answer) {
    if (is_contained(rule.env_key, answer.value)) return;
    Recommendation advice{rule.id,      rule.group,        rule.rank,
                          rule.env_key, current,           answer.value,
                          rule.reason,  evidence,          rule.expected_effect,
                          std::nullopt, answer.prediction, trust_in(*rule.model, context_.ledger)};
    set_.recommendations.push_back(std::move(advice));
  }

  void add_change(const PolicyRule& rule, const KeySpec& spec, const std::string& current,
                  const std::vector<Reason>& evidence) {
    const auto suggestion = suggest(rule, spec, current);
    if (!suggestion) return drop(rule, "not_applicable");
    if (same_value(spec, current, suggestion->value)) {
      std::vector<ReasonArg> args{{"value", current}};
      if (suggestion->clipped) args.emplace_back("clipped", std::vector{*suggestion->clipped});
      return drop(rule, "already_in_force", args);
    }
    if (const auto fault = step_fault(spec, current, suggestion->value)) {
      return drop(rule, "not_allowed", {{"fault", std::vector{fault_reason(*fault)}}});
    }
    if (is_contained(rule.env_key, suggestion->value)) return;
    set_.recommendations.push_back({rule.id, rule.group, rule.rank, rule.env_key, current,
                                    suggestion->value, rule.reason, evidence, rule.expected_effect,
                                    suggestion->clipped, std::nullopt, Trust::untested});
  }

  // Drops the value where it was rolled back.
  bool is_contained(const std::string& env_key, const std::string& value) {
    auto contained = value_containment(env_key, value, context_.ledger,
                                       quality_.current.population(Population::dag));
    if (!contained) return false;
    set_.dropped.push_back(std::move(*contained));
    return true;
  }

  void drop(const PolicyRule& rule, std::string code, const std::vector<ReasonArg>& more = {}) {
    Reason reason{std::move(code), {{"rule", rule.id}, {"key", rule.env_key}}};
    reason.args.insert(reason.args.end(), more.begin(), more.end());
    set_.dropped.push_back(std::move(reason));
  }

  const Quality& quality_;
  const std::vector<KeySpec>& keys_;
  const PolicyValues& values_;
  const ModelContext& context_;
  ModelKeys model_keys_;
  std::set<std::string> spoken_for_;
  RecommendationSet set_;
};

}  // namespace

RecommendationSet recommend(const std::vector<PolicyRule>& rules, const Quality& quality,
                            const std::vector<KeySpec>& keys, const PolicyValues& values,
                            const ModelContext& context) {
  std::vector<PolicyRule> by_rank = rules;
  std::stable_sort(by_rank.begin(), by_rank.end(),
                   [](const PolicyRule& a, const PolicyRule& b) { return a.rank < b.rank; });
  Collector collector(quality, keys, values, context);
  collector.add_models(by_rank);
  for (const PolicyRule& rule : by_rank) {
    const PopulationKpis& dag = quality.current.population(Population::dag);
    Crossing crossing = Crossing::now;
    auto evidence = evidence_for(rule, dag, crossing);
    // Only a rule that would propose the same value again may keep the proposal.
    if (!evidence && context.proposed.contains(rule.env_key)) {
      crossing = Crossing::as_proposed;
      evidence = evidence_for(rule, dag, crossing);
      if (evidence && !collector.stands_behind_proposal(rule)) evidence.reset();
    }
    if (!evidence) continue;
    if (holds_at_both_ends(rule, dag, crossing)) {
      collector.add(rule, *evidence);
    } else {
      collector.hold_back(rule);
    }
  }
  return collector.take();
}

}  // namespace dagloop
