#include "dagloop/decide/trigger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/data_state.hpp"
#include "decide/evidence_text.hpp"
#include "decide/figures.hpp"

namespace dagloop {

namespace {

constexpr double kLimitSlack = 1e-9;  // for figures that meet a limit but for their last bits

enum class Test { drop_pp, rate_ratio, above, above_ratio };

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

std::optional<std::string> sample_fault(const Kpi* kpi, const std::string& side,
                                        std::uint64_t min_sample) {
  const std::uint64_t have = kpi == nullptr ? 0 : kpi->denominator;
  if (have < min_sample) return fmt::format("{} of {} observations of {}", have, min_sample, side);
  if (!kpi->value) return fmt::format("no value for {}", side);
  return std::nullopt;
}

std::optional<std::string> what_is_missing(const Case& c, std::uint64_t min_sample) {
  auto subject = sample_fault(c.value, c.comparison.subject_name, min_sample);
  if (subject) {
    const std::uint64_t have = c.value == nullptr ? 0 : c.value->denominator;
    if (have >= min_sample) return subject;
    return *subject + "; " + sample_forecast(have, min_sample, c.comparison.subject_window);
  }
  if (!c.needs_baseline()) return std::nullopt;
  auto reference = sample_fault(c.baseline, c.comparison.reference_name, min_sample);
  if (reference) return reference;
  if (c.rule.test == Test::above_ratio && *c.baseline->value <= 0) {
    return fmt::format("{} of {} is 0: no ratio to it", c.rule.kpi, c.comparison.reference_name);
  }
  return std::nullopt;
}

bool crossed(const Case& c, std::uint64_t error_floor) {
  DAGLOOP_ASSERT(c.value->value && (!c.needs_baseline() || c.baseline->value));
  const double value = *c.value->value;
  const double threshold = c.rule.threshold;
  switch (c.rule.test) {
    case Test::drop_pp:
      return (*c.baseline->value - value) * 100 >= threshold - kLimitSlack;
    case Test::rate_ratio:
      return c.value->numerator > 0 && c.value->numerator >= error_floor &&
             value >= threshold * *c.baseline->value - kLimitSlack;
    case Test::above:
      return value > threshold;
    case Test::above_ratio:
      return value > threshold * *c.baseline->value * (1 + kLimitSlack);
  }
  DAGLOOP_ASSERT(false);
  return false;
}

std::string limit_text(const TriggerRule& rule) {
  switch (rule.test) {
    case Test::drop_pp:
      return fmt::format("a drop of {:.6g} points or more", rule.threshold);
    case Test::rate_ratio:
      return fmt::format("{:.6g} times that or more", rule.threshold);
    case Test::above:
      return fmt::format("more than {:.6g} ms", rule.threshold);
    case Test::above_ratio:
      return fmt::format("more than {:.6g} times that", rule.threshold);
  }
  DAGLOOP_ASSERT(false);
  return {};
}

std::string figures_text(const Case& c, std::uint64_t error_floor) {
  std::string text = fmt::format("{} of {} is {}", c.rule.kpi, c.comparison.subject_name,
                                 kpi_text(c.rule.kpi, *c.value));
  if (c.needs_baseline()) {
    text +=
        fmt::format(", of {} {}", c.comparison.reference_name, kpi_text(c.rule.kpi, *c.baseline));
  }
  text += "; the limit is " + limit_text(c.rule);
  if (c.rule.test == Test::rate_ratio) text += fmt::format(", with at least {}", error_floor);
  return text;
}

// Holds the figures against the evidence: what may be noise does not fire.
void weigh(const TriggerEvidence& evidence, const std::string& subject, TriggerResult& result) {
  const EvidenceView view = view_trigger(evidence.collected, result.name, evidence.config);
  result.evidence = view;
  if (result.state != TriggerState::fired) return;
  if (!view.is_available) {
    result.reason.text += "; no evidence is collected yet: the figures decide alone";
    return;
  }
  result.reason.text += "; " + evidence_text(view, subject);
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
  if (const auto missing = what_is_missing(c, min_sample)) {
    result.reason.text = c.rule.kpi + ": " + *missing;
  } else {
    result.state = crossed(c, error_floor) ? TriggerState::fired : TriggerState::quiet;
    result.reason.text = figures_text(c, error_floor);
  }
  return result;
}

const Kpi* find_kpi(const PopulationKpis* side, const std::string& name) {
  return side == nullptr ? nullptr : side->kpis.find(name);
}

}  // namespace

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
    if (evidence.config.mode == EvidenceMode::sequential) {
      weigh(evidence, comparison.subject_name, result);
    }
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
