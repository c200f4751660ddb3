#include "decide/rollout_obstacles.hpp"

#include <algorithm>

#include "dagloop/decide/excluded_policy.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/kpi/interval.hpp"
#include "decide/slow_decline.hpp"

namespace dagloop {
namespace {

std::optional<Reason> exclusion_obstacle(const DecisionInputs& inputs) {
  const PolicyHistory& history = inputs.history;
  const ExcludedPolicy* found =
      find_excluded(history.excluded, rollout_subject(inputs.values, inputs.config.rollout_key));
  if (found == nullptr) return std::nullopt;
  Reason reason{"excluded_by_evidence", {{"trigger", found->trigger}, {"since", found->since}}};
  if (history.cooldown_until && inputs.now < *history.cooldown_until) {
    reason.args.emplace_back("until", *history.cooldown_until);
  }
  return reason;
}

// The 95 % interval of the share lies wholly above twice the percentage. Late runs of a canary that
// was larger are no sign of that at 0 %.
std::optional<Reason> share_obstacle(const DecisionInputs& inputs, const Comparison& comparison) {
  const int percent = rollout_percent(inputs.values, inputs.config.rollout_key).value_or(0);
  const double most = 2 * percent / 100.0;
  const bool is_canary = comparison.subject_name == to_string(Cohort::canary);
  if (percent == 0 || !is_canary || comparison.fault) return std::nullopt;
  // Whoever lets bare figures decide has the canary and control that there are.
  if (inputs.config.evidence.mode == EvidenceMode::point) return std::nullopt;
  // What could not be read may have been the canary's, too.
  const std::uint64_t canary = comparison.subject->total_runs + comparison.subject->unread_runs;
  const std::uint64_t runs = canary + comparison.reference->total_runs;
  if (canary < std::max<std::uint64_t>(1, inputs.config.min_sample)) return std::nullopt;
  if (wilson95(canary, runs).low <= most) return std::nullopt;
  return Reason{"canary_share_too_high",
                {{"share", static_cast<double>(canary) / static_cast<double>(runs)},
                 {"canary", canary},
                 {"runs", runs},
                 {"percent", percent},
                 {"max_share", most}}};
}

// The canary's runs are others than control's: what was compared says too little of them.
std::optional<Reason> comparable_obstacle(const DecisionInputs& inputs,
                                          const Comparison& comparison) {
  constexpr double kEnough = 0.5;
  const int percent = rollout_percent(inputs.values, inputs.config.rollout_key).value_or(0);
  const Comparable* alike = comparison.alike;
  if (percent == 0 || alike == nullptr || comparison.fault) return std::nullopt;
  if (alike->share() >= kEnough) return std::nullopt;
  return Reason{std::string(kNoComparableRuns),
                {{"subject", comparison.subject_name},
                 {"reference", comparison.reference_name},
                 {"runs", alike->runs},
                 {"all_runs", alike->all_runs},
                 {"from", comparison.subject_window.start},
                 {"to", comparison.subject_window.end}}};
}

}  // namespace

std::vector<Reason> rollout_obstacles(const DecisionInputs& inputs, const Comparison& comparison) {
  std::vector<Reason> obstacles;
  const auto& fault = comparison.fault;
  if (fault && fault->code == kNoCohorts) obstacles.push_back(*fault);
  if (auto share = share_obstacle(inputs, comparison)) obstacles.push_back(std::move(*share));
  if (auto alike = comparable_obstacle(inputs, comparison)) obstacles.push_back(std::move(*alike));
  if (auto declined = slow_decline(inputs)) obstacles.push_back(std::move(*declined));
  if (auto excluded = exclusion_obstacle(inputs)) obstacles.push_back(std::move(*excluded));
  return obstacles;
}

}  // namespace dagloop
