// Thresholds from history: how far from its baseline each trigger's figure was at every tick, and
// from where on it would have given few false alarms. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/trigger.hpp"

namespace dagloop {

/// The thresholds that history can tell, by their key in "decision.triggers".
inline constexpr std::array<std::string_view, 4> kSuggestable{"success_drop_pp", "error_ratio",
                                                              "p95_ratio", "attempt_failure_ratio"};

/// A tick of history for one threshold.
struct SearchTick {
  static constexpr double kNever = -std::numeric_limits<double>::infinity();
  TimePoint at;
  double statistic = kNever;  // the trigger fires at thresholds up to this; kNever: at none
  bool is_marked = false;     // by MarkedRegressions
};

/// Returns `thresholds` so low that every trigger crosses them whose samples suffice: how it would
/// stand at others follows from what it shows then.
TriggerThresholds probing(TriggerThresholds thresholds);

/// Returns up to which value of the threshold `key` (of kSuggestable) one of `triggers` fires.
///
/// Shape: `triggers` as evaluated with probing() thresholds; SearchTick::kNever where samples do
///        not suffice, or the evidence does not confirm it; infinite where the baseline is 0.
double firing_limit(const std::vector<TriggerResult>& triggers, std::string_view key);

/// Returns how many alarms (ticks on end at which the trigger fires) begin at ticks that are not
/// marked, with this threshold.
std::size_t count_alarms(const std::vector<SearchTick>& ticks, double threshold);

/// Returns the least bound above which no threshold gives more than `most` such alarms.
///
/// Shape:  SearchTick::kNever where any threshold will do; infinite where none will. Below the
///         bound there may be thresholds with fewer alarms again, all of which run into one
///         another: these are no good.
/// Cost:   O(n log n).
double threshold_bound(const std::vector<SearchTick>& ticks, std::size_t most);

/// Regressions that the operator marked. Their runs count for as long as a tick's window holds
/// some: an alarm up to then tells of them.
struct MarkedRegressions {
  std::vector<Window> windows;
  Microseconds window{0};  // of the figures

  /// Returns until when a tick's window holds runs of `regression`.
  TimePoint end_of_echo(const Window& regression) const { return regression.end + window; }
  /// Returns whether the window of a tick at `at` holds runs of one of them.
  bool mark(TimePoint at) const;
};

/// A regression, and the first tick whose window holds runs of it and at which a trigger fired.
struct RegressionFinding {
  Window regression;
  std::optional<TimePoint> found;  // nullopt: missed
};

/// One suggestion.
struct SuggestedThreshold {
  std::string key;
  std::optional<double> present;    // as configured
  std::optional<double> suggested;  // nullopt: see `note`
  std::string note;                 // why there is none; empty where there is one
  std::size_t false_alarms = 0;     // with the suggested threshold, as the findings
  std::vector<RegressionFinding> findings;
};

/// Suggests the smallest threshold (to hundredths) with at most `most` false alarms.
SuggestedThreshold suggest_threshold(std::string_view key, std::optional<double> present,
                                     const std::vector<SearchTick>& ticks, std::size_t most);

/// Returns the threshold `key` of `thresholds`.
std::optional<double>& threshold_of(TriggerThresholds& thresholds, std::string_view key);

}  // namespace dagloop
