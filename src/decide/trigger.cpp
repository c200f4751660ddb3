#include "dagloop/decide/trigger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/data_state.hpp"
#include "decide/alike_kpis.hpp"
#include "decide/canary_triggers.hpp"
#include "decide/evidence_args.hpp"
#include "decide/figures.hpp"
#include "decide/trigger_rule.hpp"

namespace dagloop {

namespace {

/// One trigger with its two figures.
struct Case {
  const TriggerRule& rule;
  const Comparison& comparison;
  const ComparedKpi& compared;
  const Kpi* value = nullptr;
  const Kpi* baseline = nullptr;

  bool needs_baseline() const { return rule.test != TriggerTest::above; }
};

/// Names a side whose figure does not suffice, and what it lacks; nullopt where it does.
std::optional<std::vector<ReasonArg>> sample_fault(const Kpi* kpi, const std::string& side,
                                                   std::uint64_t min_sample) {
  const std::uint64_t have = kpi == nullptr ? 0 : kpi->denominator;
  std::vector<ReasonArg> args{{"side", side}};
  if (have < min_sample) {
    args.emplace_back("have", have);
    args.emplace_back("need", min_sample);
    return args;
  }
  if (!kpi->value) return args;
  return std::nullopt;
}

std::optional<std::vector<ReasonArg>> what_is_missing(const Case& c, std::uint64_t min_sample) {
  auto subject = sample_fault(c.value, c.comparison.subject_name, min_sample);
  if (subject) {
    const std::uint64_t have = c.value == nullptr ? 0 : c.value->denominator;
    if (have < min_sample) {
      add_forecast(*subject, have, min_sample, c.comparison.subject_window);
    }
    return subject;
  }
  if (!c.needs_baseline()) return std::nullopt;
  auto reference = sample_fault(c.baseline, c.comparison.reference_name, min_sample);
  if (reference) return reference;
  return std::nullopt;
}

/// Returns what a ratio of the case is to.
double base_of(const Case& c) {
  return ratio_base(c.rule.kpi, *c.baseline->value, c.baseline->denominator);
}

// Events of the window's figures, as the evidence counts them.
std::optional<AlikeRates> window_of(const Case& c) {
  return c.compared.rates(c.rule.test == TriggerTest::drop_pp ? ComparedKpi::Events::the_others
                                                              : ComparedKpi::Events::counted);
}

bool crossed(const Case& c) {
  DAGLOOP_ASSERT(c.value->value && (!c.needs_baseline() || c.baseline->value));
  if (!is_of_latencies(c.rule)) {
    const auto window = window_of(c);
    return window && rates_cross(c.rule, *window);
  }
  const double value = *c.value->value;
  if (c.rule.test == TriggerTest::above) return value > c.rule.threshold;
  return value > c.rule.threshold * base_of(c) * (1 + kLimitSlack);
}

std::string_view limit_name(TriggerTest test) {
  switch (test) {
    case TriggerTest::drop_pp:
      return "limit_drop_pp";
    case TriggerTest::rise_pp:
      return "limit_rise_pp";
    case TriggerTest::rate_ratio:
      return "limit_from_times";
    case TriggerTest::above:
      return "limit_above_ms";
    case TriggerTest::above_ratio:
      return "limit_above_times";
  }
  DAGLOOP_ASSERT(false);
  return {};
}

void add_figures(const Case& c, std::vector<ReasonArg>& args) {
  args.emplace_back("subject", c.comparison.subject_name);
  if (c.needs_baseline()) {
    c.compared.add_subject(args);
    args.emplace_back("reference", c.comparison.reference_name);
    c.compared.add_reference(args);
  } else {
    add_kpi(args, "", *c.value);
  }
  args.emplace_back(limit_name(c.rule.test), c.rule.threshold);
  const bool is_ratio =
      c.rule.test == TriggerTest::rate_ratio || c.rule.test == TriggerTest::above_ratio;
  if (is_ratio && base_of(c) > *c.baseline->value) args.emplace_back("floored_to", base_of(c));
  if (c.rule.test == TriggerTest::rate_ratio) args.emplace_back("error_floor", c.rule.error_floor);
}

// Where the window has too few runs, what it lacks is not why a trigger fires.
void tell_stretch_alone(const Case& c, TriggerResult& result) {
  auto& args = result.reason.args;
  args.clear();
  args.emplace_back("kpi", c.rule.kpi);
  args.emplace_back("subject", c.comparison.subject_name);
  if (c.needs_baseline()) args.emplace_back("reference", c.comparison.reference_name);
  args.emplace_back(limit_name(c.rule.test), c.rule.threshold);
}

bool is_stretch_worse(const Case& c, const AlikeRates& window, const StretchView& stretch) {
  if (is_of_latencies(c.rule) || !stretch.figure) return false;
  return distance_of(c.rule, *stretch.figure) > distance_of(c.rule, window);
}

// Holds the figures against the evidence: what may be noise, or rests on one user, does not fire.
// The figure is that of the window or of the stretch since the evidence last began to rise: a good
// morning dilutes the window's.
void weigh(const Case& c, std::uint64_t min_sample, const TriggerEvidence& evidence,
           TriggerResult& result) {
  const EvidenceView view = view_trigger(evidence.collected, result.name, evidence.config);
  result.evidence = view;
  const bool by_window = result.state == TriggerState::fired;
  const bool by_stretch =
      view.stretch && stretch_crosses(c.rule, *view.stretch, evidence.collected.limits.usual);
  if (!by_window && !by_stretch) return;
  if (result.state == TriggerState::insufficient) tell_stretch_alone(c, result);
  result.state = TriggerState::unconfirmed;
  auto& args = result.reason.args;
  if (!view.is_available) {  // begun just now, or counted elsewhere: held by name, and looked at
    args.emplace_back("evidence", "none");
    return;
  }
  add_evidence(args, view, {result.sample_count, c.comparison.subject_window});
  const AlikeRates window = window_of(c).value_or(AlikeRates());
  if (by_stretch && (!by_window || is_stretch_worse(c, window, *view.stretch))) {
    add_stretch(args, *view.stretch);
  }
  if (!view.decides()) return;
  const bool by_long_stretch = by_stretch && has_stretch_sample(*view.stretch, min_sample);
  const bool stands = (by_window && window_stands_without_one(c.rule, window, view)) ||
                      (by_long_stretch && stretch_stands_without_one(c.rule, *view.stretch));
  if (stands) {
    result.state = TriggerState::fired;
  } else if (view.users && (by_window || by_long_stretch)) {
    add_one_user(args, by_long_stretch ? view.stretch->worst : view.users->worst);
  }
}

TriggerResult evaluate(const Case& c, std::uint64_t min_sample) {
  TriggerResult result;
  result.name = c.rule.name;
  result.kpi = c.rule.kpi;
  result.threshold = c.rule.threshold;
  if (c.value != nullptr) {
    result.value = c.value->value;
    result.sample_count = c.value->denominator;
  }
  if (c.baseline != nullptr && c.needs_baseline()) {
    result.baseline_value = c.baseline->value;
    result.baseline_sample_count = c.baseline->denominator;
  }
  result.reason.args.emplace_back("kpi", c.rule.kpi);
  if (const auto missing = what_is_missing(c, min_sample)) {
    result.reason.args.insert(result.reason.args.end(), missing->begin(), missing->end());
  } else {
    result.state = crossed(c) ? TriggerState::fired : TriggerState::quiet;
    add_figures(c, result.reason.args);
  }
  return result;
}

}  // namespace

std::vector<TriggerResult> evaluate_triggers(const TriggerThresholds& thresholds,
                                             const Comparison& comparison, std::uint64_t min_sample,
                                             const TriggerEvidence& evidence) {
  const bool is_sequential = evidence.config.mode == EvidenceMode::sequential;
  std::vector<TriggerResult> results;
  for (const TriggerRule& rule : rules_that_are_on(thresholds)) {
    const ComparedKpi compared(comparison, rule.kpi);
    Case c{rule, comparison, compared, compared.subject(), compared.reference()};
    // What is held against a number is so for all runs.
    if (!c.needs_baseline()) c.value = compared.plain_subject();
    TriggerResult result = evaluate(c, min_sample);
    if (is_sequential) weigh(c, min_sample, evidence, result);
    results.push_back(std::move(result));
  }
  if (is_sequential) {
    for (const auto& evaluate_canaries : {&canary_missing, &success_collapse}) {
      auto result = evaluate_canaries(comparison, min_sample, evidence);
      if (result) results.push_back(std::move(*result));
    }
  }
  for (TriggerResult& result : results) {
    result.reason.code = fmt::format("{}_{}", result.name, to_string(result.state));
  }
  return results;
}

}  // namespace dagloop
