#include "dagloop/decide/decision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/decide/figure_case.hpp"
#include "dagloop/decide/ladder.hpp"
#include "dagloop/decide/rollout.hpp"
#include "decide/evidence_args.hpp"
#include "decide/promotion.hpp"
#include "decide/rollout_obstacles.hpp"
#include "decide/unread.hpp"

namespace dagloop {

namespace {

constexpr std::array<std::string_view, 3> kActions{"promote", "hold", "rollback"};

int current_percent(const DecisionInputs& inputs) {
  const std::string& key = inputs.config.rollout_key;
  if (const auto percent = rollout_percent(inputs.values, key)) return *percent;
  const auto text = inputs.values.find(key);
  const std::string what = text == inputs.values.end()
                               ? "the rollout key is not among the allowlisted keys of the env file"
                               : fmt::format("\"{}\" is no percentage", text->second);
  throw Error(ErrorKind::config, key, what,
              "put the key on the allowlist and an integer from 0 to 100 in the env file");
}

Decision blank_decision(const DecisionInputs& inputs) {
  Decision decision;
  decision.generated_at = inputs.now;
  decision.as_of = inputs.quality.as_of;
  decision.verdict = inputs.gate.verdict;
  decision.current_percent = current_percent(inputs);
  decision.env_sha256 = inputs.env_sha256;
  decision.expires_at = inputs.now + inputs.approval_ttl;
  decision.proposed_by = inputs.proposed_by;
  return decision;
}

void append(std::vector<Reason>& reasons, const std::vector<Reason>& more) {
  reasons.insert(reasons.end(), more.begin(), more.end());
}

void go_back(const DecisionInputs& inputs, Decision& decision) {
  decision.action = Action::rollback;
  for (const TriggerResult& trigger : decision.triggers) {
    if (trigger.state == TriggerState::fired) decision.reasons.push_back(trigger.reason);
  }
  const auto target = rollback_target(inputs.values, inputs.history, inputs.config);
  if (!target) {
    decision.reasons.push_back(
        {"nothing_to_roll_back_to", {{"percent", decision.current_percent}}});
    return;
  }
  decision.patch = target->patch;
  decision.approval = target->approval;
  const auto step = target->patch.find(inputs.config.rollout_key);
  if (step == target->patch.end()) return;
  PolicyValues after{{step->first, step->second.after}};
  decision.next_percent = rollout_percent(after, step->first);
}

/// Lists the recommendations; returns why others were dropped.
std::vector<Reason> list_recommendations(const DecisionInputs& inputs, Decision& decision) {
  std::vector<PolicyRule> rules;
  std::vector<Reason> dropped;
  for (const PolicyRule& rule : inputs.rules) {
    // The ladder alone moves the rollout: a rule could step past soak time and evidence.
    if (rule.env_key != inputs.config.rollout_key) {
      rules.push_back(rule);
      continue;
    }
    dropped.push_back({"rollout_key_moves_by_ladder", {{"rule", rule.id}, {"key", rule.env_key}}});
  }
  RecommendationSet set =
      recommend(rules, inputs.quality, inputs.keys, inputs.values,
                {inputs.config.triggers.p95_ms, inputs.history.proposed, inputs.history.ledger});
  decision.recommendations = std::move(set.recommendations);
  append(dropped, set.dropped);
  return dropped;
}

std::vector<Reason> gate_reasons(const GateResult& gate, const std::string& code,
                                 CheckStatus status) {
  std::vector<Reason> reasons{{code}};
  append(reasons, gate.reasons);
  for (const CheckResult& result : gate.checks) {
    const bool severe = result.check.severity == Severity::fail;
    if (severe && result.status == status) reasons.push_back(result.reason);
  }
  return reasons;
}

/// Returns why nothing at all may change now; empty when something may.
std::vector<Reason> standstill(const DecisionInputs& inputs) {
  const PolicyHistory& history = inputs.history;
  // One change at a time. Of two, nobody could say which made the difference.
  if (history.change == PolicyHistory::ChangeState::under_verification) {
    return {{"change_under_verification"}};
  }
  if (history.cooldown_until && inputs.now < *history.cooldown_until) {
    return {{"cooldown", {{"until", *history.cooldown_until}}}};
  }
  if (inputs.gate.verdict == Verdict::INSUFFICIENT) {
    return gate_reasons(inputs.gate, "gate_insufficient", CheckStatus::insufficient);
  }
  return {};
}

void promote(const DecisionInputs& inputs, const PromotionView& view, int next,
             Decision& decision) {
  const std::string& key = inputs.config.rollout_key;
  decision.action = Action::promote;
  decision.next_percent = next;
  decision.patch[key] = {inputs.values.at(key), std::to_string(next)};
  decision.reasons.emplace_back("gate_pass");
  append(decision.reasons, view.grounds);
  if (decision.recommendations.empty()) return;
  decision.reasons.push_back(
      {"recommendations_wait", {{"count", decision.recommendations.size()}}});
}

/// Returns what is proposed already, where all of it is still recommended; else nothing.
std::vector<const Recommendation*> proposed_still(const std::vector<Recommendation>& all,
                                                  const PolicyValues& proposed) {
  std::vector<const Recommendation*> found;
  for (const Recommendation& each : all) {
    const auto change = proposed.find(each.env_key);
    if (change != proposed.end() && change->second == each.suggested) found.push_back(&each);
  }
  if (found.size() != proposed.size()) found.clear();
  return found;
}

/// Returns the group of the best-ranked one. One whose effect is predicted goes alone: what comes
/// of it is to be held against the prediction.
std::vector<const Recommendation*> best_group(const std::vector<Recommendation>& all) {
  const Recommendation& best = all.front();
  std::vector<const Recommendation*> found{&best};
  for (const Recommendation& other : all) {
    const bool goes_along = !best.prediction && !other.prediction && other.group == best.group;
    if (&other != &best && goes_along) found.push_back(&other);
  }
  return found;
}

/// Puts recommendations into the patch. A proposal stands while it is recommended, however others
/// rank by now: who is about to approve it is not sent away by noise.
void take_recommendations(const PolicyValues& proposed, Decision& decision) {
  auto taken = proposed_still(decision.recommendations, proposed);
  if (taken.empty()) taken = best_group(decision.recommendations);
  for (const Recommendation* each : taken) {
    decision.patch[each->env_key] = {each->current, each->suggested};
  }
  const Recommendation& first = *taken.front();
  decision.reasons.push_back(
      {"policy_change_recommended",
       {{"rule", first.rule}, {"group", first.group}, {"rule_reason", first.reason}}});
}

// Whether each change begins at what is in force, and goes no further than the allowlist lets it.
bool is_allowed(const Patch& patch, const DecisionInputs& inputs) {
  return std::all_of(patch.begin(), patch.end(), [&](const auto& each) {
    const auto& [key, change] = each;
    const KeySpec* spec = find_key(inputs.keys, key);
    return spec != nullptr && inputs.values.at(key) == change.before &&
           !step_fault(*spec, change.before, change.after);
  });
}

Comparison comparison_of(const DecisionInputs& inputs) {
  const BaselineKind kind =
      baseline_in_effect(inputs.baseline, inputs.values, inputs.history, inputs.config);
  return choose_comparison_at(inputs.quality, kind, current_percent(inputs));
}

std::vector<TriggerResult> triggers_of(const DecisionInputs& inputs, const Comparison& comparison) {
  return evaluate_triggers(inputs.config.triggers, comparison, inputs.config.min_sample,
                           {inputs.config.evidence, inputs.evidence});
}

/// The figures with each unread run counted against the change, and what they say.
struct WorstCase {
  Quality quality;
  GateResult gate;
  Evidence evidence;
  std::optional<Evidence> sealed;

  DecisionInputs inputs(const DecisionInputs& as_read) const {
    DecisionInputs then = with_figures(as_read, quality, gate, evidence);
    then.sealed = sealed ? &*sealed : nullptr;
    return then;
  }
};

WorstCase worst_case_of(const DecisionInputs& inputs, const Comparison& comparison) {
  WorstCase worst{in_case(inputs.quality, FigureCase::worst), {}, {}, {}};
  worst.gate = evaluate_again(inputs.gate, worst.quality);
  const Block unread = unread_of(comparison);
  worst.evidence = with_unread(inputs.evidence, unread, inputs.config.evidence);
  if (inputs.sealed != nullptr) {
    worst.sealed = with_unread(*inputs.sealed, unread, inputs.config.evidence);
  }
  return worst;
}

/// Returns what triggers would say against any change: a line that is crossed, by noise or not.
std::vector<Reason> crossed_triggers(const std::vector<TriggerResult>& triggers) {
  std::vector<Reason> crossed;
  for (const TriggerResult& trigger : triggers) {
    const bool is_crossed =
        trigger.state == TriggerState::fired || trigger.state == TriggerState::unconfirmed;
    if (is_crossed) crossed.push_back(trigger.reason);
  }
  return crossed;
}

/// Returns why the step would not be made if every unread run had been a failed one; empty where it
/// would all the same. A check may want a figure high: the gate has to pass at both ends.
std::vector<Reason> worst_case_obstacles(const DecisionInputs& inputs, const Comparison& comparison,
                                         const LadderStep& step) {
  if (!has_unread(inputs.quality)) return {};
  const WorstCase worst = worst_case_of(inputs, comparison);
  const DecisionInputs then = worst.inputs(inputs);
  const Comparison sides = comparison_of(then);
  std::vector<Reason> obstacles = crossed_triggers(triggers_of(then, sides));
  const GateResult best = evaluate_again(inputs.gate, in_case(inputs.quality, FigureCase::best));
  for (const GateResult* gate : {&worst.gate, &best}) {
    if (gate->verdict == Verdict::PASS) continue;
    append(obstacles, gate_reasons(*gate, "gate_fail", CheckStatus::fail));
  }
  append(obstacles, view_promotion(then, sides, step, {}).obstacles);
  return obstacles;
}

/// Puts recommendations into the patch, unless a trigger may have crossed its line in what could
/// not be read: then the way back may be due, and nothing else.
void recommend_change(const DecisionInputs& inputs, const Comparison& comparison,
                      Decision& decision) {
  if (has_unread(inputs.quality)) {
    const WorstCase worst = worst_case_of(inputs, comparison);
    const DecisionInputs then = worst.inputs(inputs);
    std::vector<Reason> fresh;
    for (const TriggerResult& trigger : triggers_of(then, comparison_of(then))) {
      const auto as_read =
          std::find_if(decision.triggers.begin(), decision.triggers.end(),
                       [&](const TriggerResult& each) { return each.name == trigger.name; });
      // One that is not sure as read lets a change pass, which may mend it; a sure one does not.
      if (as_read->state != trigger.state) append(fresh, crossed_triggers({trigger}));
    }
    if (!fresh.empty()) {
      decision.reasons.push_back(unreadable_reason(inputs, comparison, std::move(fresh)));
      return;
    }
  }
  take_recommendations(inputs.history.proposed, decision);
}

/// Decides where a change may be made: one step up, else what the rules recommend.
void move_on(const DecisionInputs& inputs, const Comparison& comparison, Decision& decision) {
  std::vector<Reason> obstacles;
  const auto next = step_above(inputs.config.ladder, decision.current_percent);
  // A failing gate stops the ladder, not the recommendations: they are what may mend it.
  if (inputs.gate.verdict == Verdict::FAIL) {
    obstacles = gate_reasons(inputs.gate, "gate_fail", CheckStatus::fail);
  } else if (next) {
    const LadderStep step{decision.current_percent, *next};
    const PromotionView view = view_promotion(inputs, comparison, step, decision.triggers);
    decision.promotion = view.evidence;
    obstacles = view.obstacles;
    if (obstacles.empty()) {
      auto would = worst_case_obstacles(inputs, comparison, step);
      if (would.empty()) return promote(inputs, view, *next, decision);
      obstacles = {unreadable_reason(inputs, comparison, std::move(would))};
    }
  } else if (decision.recommendations.empty()) {
    obstacles = {{"ladder_complete"}};
  } else {
    obstacles = {{"at_top_step"}};
  }
  if (!decision.recommendations.empty()) recommend_change(inputs, comparison, decision);
  append(decision.reasons, obstacles);
}

// Slower runs take nothing back before a trigger says so; whoever approves the next step is told.
void look_at_latency(const DecisionInputs& inputs, const Comparison& comparison,
                     Decision& decision) {
  const EvidenceConfig& config = inputs.config.evidence;
  if (config.mode == EvidenceMode::point) return;
  decision.latency = view_latencies(inputs.evidence, config);
  if (!decision.latency || !decision.latency->decides()) return;
  decision.reasons.push_back(
      latency_reason(*decision.latency, comparison.subject_name, comparison.reference_name));
}

}  // namespace

std::string_view to_string(Action action) { return kActions.at(static_cast<std::size_t>(action)); }

std::optional<Action> parse_action(std::string_view word) {
  const auto found = std::find(kActions.begin(), kActions.end(), word);
  if (found == kActions.end()) return std::nullopt;
  return static_cast<Action>(found - kActions.begin());
}

void tell_predictions(const std::vector<LedgerEntry>& ledger, Decision& decision) {
  constexpr std::ptrdiff_t kMostShown = 10;
  decision.calibration = calibrations(ledger);
  std::vector<LedgerEntry> predicted;
  std::copy_if(ledger.begin(), ledger.end(), std::back_inserter(predicted),
               [](const LedgerEntry& entry) { return entry.prediction.has_value(); });
  const auto shown = std::min(kMostShown, std::ssize(predicted));
  decision.predictions.assign(predicted.end() - shown, predicted.end());
}

std::vector<LedgerEntry> entries_of(const Decision& decision, const std::string& digest,
                                    TimePoint effective_at) {
  DAGLOOP_ASSERT(!digest.empty());  // it is what the outcome is told by
  std::vector<LedgerEntry> entries;
  if (decision.action == Action::rollback) return entries;
  for (const auto& [key, change] : decision.patch) {
    LedgerEntry entry{digest, key, change, std::nullopt, effective_at, std::nullopt};
    for (const Recommendation& advice : decision.recommendations) {
      if (advice.env_key != key || change != Change{advice.current, advice.suggested}) continue;
      entry.prediction = advice.prediction;
      entry.rule = advice.rule;
      entry.figure = named_figure(advice.evidence);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Decision decide(const DecisionInputs& given) {
  const Quality figures = in_case(given.quality, FigureCase::decided);
  const DecisionInputs inputs = with_figures(given, figures, given.gate, given.evidence);
  Decision decision = blank_decision(inputs);
  tell_predictions(inputs.history.ledger, decision);
  const std::vector<Reason> faults = data_faults(inputs.quality, inputs.limits);
  decision.reasons = faults;
  if (!let_go_back(faults)) return decision;
  const Comparison comparison = comparison_of(inputs);
  decision.triggers = triggers_of(inputs, comparison);
  decision.detection = detection_of(inputs.evidence, inputs.config, comparison);
  // Before everything else: neither cool-down nor soak time holds a rollback up, nor what could not
  // be read, for a trigger fires on what was read alone.
  if (any_fired(decision.triggers)) {
    decision.reasons.clear();
    go_back(inputs, decision);
    append(decision.reasons, faults);
    look_at_latency(inputs, comparison, decision);
    return decision;
  }
  if (!faults.empty()) return decision;
  const std::vector<Reason> dropped = list_recommendations(inputs, decision);
  decision.reasons = standstill(inputs);
  if (decision.reasons.empty()) {
    // The gate's verdict is of the KPIs as printed; a change rests on overdue runs, too.
    const GateResult gate = evaluate_again(given.gate, figures);
    move_on(with_figures(inputs, figures, gate, inputs.evidence), comparison, decision);
  }
  if (decision.action == Action::hold) {
    // By name, whatever else holds: whoever looks must not take them for quiet.
    for (const TriggerResult& trigger : decision.triggers) {
      if (trigger.state != TriggerState::unconfirmed) continue;
      if (!has_reason(decision.reasons, trigger.reason.code)) {
        decision.reasons.push_back(trigger.reason);
      }
    }
    for (Reason& each : rollout_obstacles(inputs, comparison)) {
      if (!has_reason(decision.reasons, each.code)) decision.reasons.push_back(std::move(each));
    }
  }
  look_at_latency(inputs, comparison, decision);
  append(decision.reasons, dropped);
  DAGLOOP_ASSERT(!decision.reasons.empty());
  DAGLOOP_ASSERT(is_allowed(decision.patch, inputs));
  return decision;
}

}  // namespace dagloop
