#include "decide/canary_triggers.hpp"

#include <algorithm>

#include "decide/evidence_args.hpp"
#include "decide/figures.hpp"
#include "decide/trigger_rule.hpp"

namespace dagloop {
namespace {

constexpr double kHalf = 0.5;
constexpr double kCollapse_pp = 50;

bool is_tested(const TriggerEvidence& evidence, std::string_view trigger) {
  const Evidence& collected = evidence.collected;
  return collected.percent > 0 && collected.percent < 100 && collected.tests.contains(trigger);
}

std::uint64_t runs_of(const PopulationKpis* side) { return side == nullptr ? 0 : side->total_runs; }

ArmCounts canary_share(const Comparison& comparison) {
  const std::uint64_t canary = runs_of(comparison.subject);
  return {canary + runs_of(comparison.reference), canary};
}

bool is_below_half(const ArmCounts& share, double expected) {
  return share.trials > 0 && rate_of(share) < kHalf * expected;
}

TriggerResult named(std::string_view trigger, const char* kpi, double threshold,
                    const EvidenceView& view) {
  TriggerResult result;
  result.name = trigger;
  result.kpi = kpi;
  result.threshold = threshold;
  result.evidence = view;
  result.reason.args.emplace_back("kpi", kpi);
  return result;
}

TriggerState state_of(const EvidenceView& view, bool is_crossed) {
  if (!is_crossed) return TriggerState::quiet;
  return view.decides() ? TriggerState::fired : TriggerState::unconfirmed;
}

}  // namespace

std::optional<TriggerResult> canary_missing(const Comparison& comparison, std::uint64_t min_sample,
                                            const TriggerEvidence& evidence) {
  if (!is_tested(evidence, kMissingTest)) return std::nullopt;
  const EvidenceView view = view_trigger(evidence.collected, kMissingTest, evidence.config);
  const double expected = evidence.collected.percent / 100.0;
  TriggerResult result = named(kMissingTest, "canary_share", kHalf, view);
  const ArmCounts window = canary_share(comparison);
  result.sample_count = window.trials;
  result.baseline_value = expected;
  if (window.trials > 0) result.value = rate_of(window);
  auto& args = result.reason.args;
  args.emplace_back("canary_runs", window.events);
  args.emplace_back("runs", window.trials);
  args.emplace_back("expected_share", expected);
  args.emplace_back("limit_below_times", kHalf);
  if (!view.is_available) return result;
  // So few that none of them is missed by chance: half of them being there says something.
  const double missed = as_double(window.trials) * expected;
  const bool window_crosses = missed >= as_double(std::min<std::uint64_t>(min_sample, 10)) &&
                              is_below_half(window, expected);
  const bool stretch_does = view.stretch && is_convincing(*view.stretch) &&
                            is_below_half(view.stretch->counts.subject, expected);
  result.state = state_of(view, window_crosses || stretch_does);
  if (result.state == TriggerState::quiet) return result;
  add_evidence(args, view, {window.trials, comparison.subject_window});
  if (stretch_does) add_stretch(args, *view.stretch);
  return result;
}

std::optional<TriggerResult> success_collapse(const Comparison& comparison,
                                              std::uint64_t min_sample,
                                              const TriggerEvidence& evidence) {
  if (!is_tested(evidence, kCollapseTest)) return std::nullopt;
  const EvidenceView view = view_trigger(evidence.collected, kCollapseTest, evidence.config);
  TriggerResult result = named(kCollapseTest, "pipeline_success_rate", kCollapse_pp, view);
  result.sample_count = view.subject.trials;
  result.baseline_sample_count = view.reference.trials;
  auto& args = result.reason.args;
  args.emplace_back("subject", comparison.subject_name);
  args.emplace_back("reference", comparison.reference_name);
  args.emplace_back("limit_drop_pp", kCollapse_pp);
  if (!view.is_available) return result;
  result.value = 1 - rate_of(view.subject);
  result.baseline_value = 1 - rate_of(view.reference);
  const TriggerRule rule{result.name, result.kpi, TriggerTest::drop_pp, kCollapse_pp, 0};
  const bool stretch_does = view.stretch && has_stretch_sample(*view.stretch, min_sample) &&
                            stretch_crosses(rule, *view.stretch, {});
  const bool all_do =
      view.subject.trials >= min_sample && counts_cross(rule, {view.subject, view.reference});
  result.state = state_of(view, all_do || stretch_does);
  if (result.state == TriggerState::quiet) return result;
  args.emplace_back("value", *result.value);
  args.emplace_back("reference_value", *result.baseline_value);
  add_evidence(args, view, {});
  if (stretch_does) add_stretch(args, *view.stretch);
  return result;
}

}  // namespace dagloop
