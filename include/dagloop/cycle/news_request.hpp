// Which new runs evidence asks for: of what time, and which of them are warm. Value types.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/arm_figures.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// A part of a window, and the time from when on its runs have to have begun; none: any time.
struct WarmPart {
  Window window;
  std::optional<TimePoint> begun_from;
};

/// From when on runs stand for the policy: after a change both sides start cold.
struct WarmUp {
  std::optional<TimePoint> step;    // the policy in force began here; unknown: long ago
  std::optional<TimePoint> before;  // the one before it, of the same rollout
  Microseconds length{0};

  /// Returns a window in its parts, by time; empty where it is. What ended under the policy before
  /// is told by that one's beginning.
  std::vector<WarmPart> parts(const Window& window) const;
  /// Returns whether a policy begins in the slot that begins at `slot`.
  bool begins_at(TimePoint slot) const;
  /// Returns whether no run that ended in the window can be warm.
  bool is_cold(const Window& window) const;
};

/// What evidence asks for besides: what is new since it was last added to.
struct NewsRequest {
  TimePoint since;   // the rollout's beginning; a slot boundary, as are `from` and `sealed`
  TimePoint from;    // where the last news ended for good
  TimePoint sealed;  // where these do: what ends later is counted again
  SlowLimits limits;
  enum class Before { leave_out, count };  // runs of as long a time before the rollout
  Before before = Before::leave_out;
  WarmUp warmup = {};
  std::optional<StrataList> strata = {};  // that are told apart; none: not known yet
};

/// Returns the windows before `since` that lie as long before it as [from, to) lies behind it, day
/// by day, at the same hours of the day; those of two ranges that share nothing share nothing.
std::vector<Window> mirrored(TimePoint since, TimePoint from, TimePoint to);

/// Returns the sum over the slots in a window, of one cohort or (nullopt) of all; with `begun_from`
/// of those runs that began then or later.
using RunSum = std::function<KpiPartial(const Window&, Population, std::optional<Cohort> cohort,
                                        std::optional<TimePoint> begun_from)>;

}  // namespace dagloop
