#include "dagloop/decide/trigger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/data_state.hpp"
#include "decide/evidence_args.hpp"
#include "decide/figures.hpp"

namespace dagloop {

namespace {

constexpr double kLimitSlack = 1e-9;  // for figures that meet a limit but for their last bits

enum class Test { drop_pp, rise_pp, rate_ratio, above, above_ratio };

struct TriggerRule {
  std::string name;
  std::string kpi;
  Test test = Test::drop_pp;
  double threshold = 0;
};

std::vector<TriggerRule> rules_that_are_on(const TriggerThresholds& thresholds) {
  std::vector<TriggerRule> rules;
  const auto add = [&](std::string name, std::string kpi, Test test,
                       const std::optional<double>& threshold) {
    if (threshold) rules.push_back({std::move(name), std::move(kpi), test, *threshold});
  };
  add("success_drop", "pipeline_success_rate", Test::drop_pp, thresholds.success_drop_pp);
  add("error_ratio.auth", "error_rate.auth", Test::rate_ratio, thresholds.error_ratio);
  add("error_ratio.server", "error_rate.server", Test::rate_ratio, thresholds.error_ratio);
  add("p95_absolute", "p95_latency_ms", Test::above, thresholds.p95_ms);
  add("p95_ratio", "p95_latency_ms", Test::above_ratio, thresholds.p95_ratio);
  add("attempt_failure_ratio", "attempt_failure_rate", Test::rate_ratio,
      thresholds.attempt_failure_ratio);
  add("fallback_rise", "fallback_rate", Test::rise_pp, thresholds.fallback_pp);
  return rules;
}

/// One trigger with its two figures.
struct Case {
  const TriggerRule& rule;
  const Comparison& comparison;
  const Kpi* value = nullptr;
  const Kpi* baseline = nullptr;

  bool needs_baseline() const { return rule.test != Test::above; }
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

bool crossed(const Case& c, std::uint64_t error_floor) {
  DAGLOOP_ASSERT(c.value->value && (!c.needs_baseline() || c.baseline->value));
  const double value = *c.value->value;
  const double threshold = c.rule.threshold;
  switch (c.rule.test) {
    case Test::drop_pp:
      return (*c.baseline->value - value) * 100 >= threshold - kLimitSlack;
    case Test::rise_pp:
      return (value - *c.baseline->value) * 100 >= threshold - kLimitSlack;
    case Test::rate_ratio:
      // The floor: with a reference rate near 0 one error would be any multiple of it.
      return c.value->numerator > 0 && c.value->numerator >= error_floor &&
             value >= threshold * base_of(c) - kLimitSlack;
    case Test::above:
      return value > threshold;
    case Test::above_ratio:
      return value > threshold * base_of(c) * (1 + kLimitSlack);
  }
  DAGLOOP_ASSERT(false);
  return false;
}

std::string_view limit_name(Test test) {
  switch (test) {
    case Test::drop_pp:
      return "limit_drop_pp";
    case Test::rise_pp:
      return "limit_rise_pp";
    case Test::rate_ratio:
      return "limit_from_times";
    case Test::above:
      return "limit_above_ms";
    case Test::above_ratio:
      return "limit_above_times";
  }
  DAGLOOP_ASSERT(false);
  return {};
}

void add_figures(const Case& c, std::uint64_t error_floor, std::vector<ReasonArg>& args) {
  args.emplace_back("subject", c.comparison.subject_name);
  add_kpi(args, "", *c.value);
  if (c.needs_baseline()) {
    args.emplace_back("reference", c.comparison.reference_name);
    add_kpi(args, "reference_", *c.baseline);
  }
  args.emplace_back(limit_name(c.rule.test), c.rule.threshold);
  const bool is_ratio = c.rule.test == Test::rate_ratio || c.rule.test == Test::above_ratio;
  if (is_ratio && base_of(c) > *c.baseline->value) args.emplace_back("floored_to", base_of(c));
  if (c.rule.test == Test::rate_ratio) args.emplace_back("error_floor", error_floor);
}

// Holds the figures against the evidence: what may be noise does not fire.
void weigh(const TriggerEvidence& evidence, TriggerResult& result) {
  const EvidenceView view = view_trigger(evidence.collected, result.name, evidence.config);
  result.evidence = view;
  if (result.state != TriggerState::fired) return;
  // Without evidence (begun just now, or counted elsewhere) figures decide alone: a rollback too
  // many is the lesser mistake.
  if (!view.is_available) {
    result.reason.args.emplace_back("evidence", "none");
    return;
  }
  add_evidence(result.reason.args, view);
  if (!view.decides()) result.state = TriggerState::unconfirmed;
}

TriggerResult evaluate(const Case& c, std::uint64_t min_sample, std::uint64_t error_floor) {
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
    result.state = crossed(c, error_floor) ? TriggerState::fired : TriggerState::quiet;
    add_figures(c, error_floor, result.reason.args);
  }
  return result;
}

const Kpi* find_kpi(const PopulationKpis* side, const std::string& name) {
  return side == nullptr ? nullptr : side->decided().find(name);
}

}  // namespace

double ratio_base(std::string_view kpi, double baseline, std::uint64_t sample_count) {
  constexpr double kLeastLatency_ms = 1;
  constexpr double kLeastEvents = 0.5;
  if (!is_rate_name(std::string(kpi))) return std::max(baseline, kLeastLatency_ms);
  return std::max(baseline, kLeastEvents / as_double(std::max<std::uint64_t>(sample_count, 1)));
}

std::string_view to_string(TriggerState state) {
  constexpr std::array<std::string_view, 4> kWords{"fired", "quiet", "insufficient", "unconfirmed"};
  return kWords.at(static_cast<std::size_t>(state));
}

std::vector<TriggerResult> evaluate_triggers(const TriggerThresholds& thresholds,
                                             const Comparison& comparison, std::uint64_t min_sample,
                                             const TriggerEvidence& evidence) {
  std::vector<TriggerResult> results;
  for (const TriggerRule& rule : rules_that_are_on(thresholds)) {
    const Case c{rule, comparison, find_kpi(comparison.subject, rule.kpi),
                 find_kpi(comparison.reference, rule.kpi)};
    TriggerResult result = evaluate(c, min_sample, thresholds.error_floor);
    if (evidence.config.mode == EvidenceMode::sequential) weigh(evidence, result);
    result.reason.code = fmt::format("{}_{}", rule.name, to_string(result.state));
    results.push_back(std::move(result));
  }
  return results;
}

bool any_fired(const std::vector<TriggerResult>& triggers) {
  return std::any_of(triggers.begin(), triggers.end(), [](const TriggerResult& trigger) {
    return trigger.state == TriggerState::fired;
  });
}

}  // namespace dagloop
