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

/// For figures that meet a limit but for their last bits.
inline constexpr double kLimitSlack = 1e-9;

/// Returns whether counts of events cross the limit of a drop, a rise or a ratio.
///
/// Shape: both sides have trials; `drop_pp` counts failures.
bool counts_cross(const TriggerRule& rule, const Block& counts);

/// Returns how far they lie apart, in the measure that the threshold has.
double distance_of(const TriggerRule& rule, const Block& counts);

/// Returns whether the stretch crosses the limit, and is no mere noise: the best bet on it won
/// twentyfold. `usual_ms` is what its edges were counted by.
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
bool window_stands_without_one(const TriggerRule& rule, const Block& window,
                               const EvidenceView& view);

}  // namespace dagloop
