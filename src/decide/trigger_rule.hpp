// What a trigger tests, and when counts cross its limit. Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/decide/trigger_result.hpp"

namespace dagloop {

/// What is held against a trigger's threshold.
enum class TriggerTest { drop_pp, rise_pp, rate_ratio, above, above_ratio };

/// One trigger that is on.
struct TriggerRule {
  std::string name;
  std::string kpi;
  TriggerTest test = TriggerTest::drop_pp;
  double threshold = 0;
  std::uint64_t error_floor = 0;  // fewer events than this never fire a ratio
};

/// Returns the triggers that are on, in their fixed order.
std::vector<TriggerRule> rules_that_are_on(const TriggerThresholds& thresholds);

/// Returns whether it is of a p95: no share of events, so counts of those cannot cross its limit.
bool is_of_latencies(const TriggerRule& rule);

/// For figures that meet a limit but for their last bits.
inline constexpr double kLimitSlack = 1e-9;

/// Returns whether counts of events cross the limit of a drop, a rise or a ratio; not where a side
/// has no trials.
///
/// Shape: `drop_pp` counts failures. A ratio has a floor: with a reference rate near 0 one error
///        would be any multiple of it.
bool rates_cross(const TriggerRule& rule, const AlikeRates& rates);
bool counts_cross(const TriggerRule& rule, const Block& counts);

/// Returns how far they lie apart, in the measure that the threshold has.
double distance_of(const TriggerRule& rule, const AlikeRates& rates);

/// Returns whether the stretch is no mere noise: the best bet on it won twentyfold. Under 1 in 20
/// of all looks at an innocent change find such a stretch.
bool is_convincing(const StretchView& stretch);

/// Returns whether the stretch is convincing and crosses the limit. `usual_ms` is what its edges
/// were counted by.
///
/// Shape: however few its observations are: that holds a promotion.
bool stretch_crosses(const TriggerRule& rule, const StretchView& stretch,
                     const std::optional<double>& usual_ms);

/// Returns whether it has as many observations, `min_sample` or ten, as a rollback asks for.
bool has_stretch_sample(const StretchView& stretch, std::uint64_t min_sample);

/// Returns whether what crosses the limit still does without the subject's worst user, and is still
/// twentyfold evidence then.
///
/// Shape: where no users are known nobody can tell, and it does.
bool stretch_stands_without_one(const TriggerRule& rule, const StretchView& stretch);
bool window_stands_without_one(const TriggerRule& rule, const AlikeRates& window,
                               const EvidenceView& view);

}  // namespace dagloop
