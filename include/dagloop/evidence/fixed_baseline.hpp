// What the success rate was when the policy in force was verified, and what speaks for a decline
// since: a baseline that does not move with what it measures. Value types; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dagloop/base/time.hpp"
#include "dagloop/evidence/rate_evidence.hpp"
#include "dagloop/kpi/arm_figures.hpp"

namespace dagloop {

/// So many runs of a policy, or so much time with the least number of runs, fix its baseline.
inline constexpr std::uint64_t kFixingRuns = 2000;
inline constexpr Microseconds kFixingTime = std::chrono::days(3);

/// A baseline that stands as long as one policy is in force.
struct FixedBaseline {
  std::string policy;           // fingerprint of all values in force; "": none yet
  TimePoint since;              // its runs are counted from here
  TimePoint until;              // up to here
  ArmCounts counted;            // runs, and failed ones, until the baseline was fixed
  std::optional<double> bound;  // of the failure rate, when it was; none: not yet
  RateEvidence later;           // since then, against "it is at most the bound"
  bool operator==(const FixedBaseline&) const = default;

  /// Adds the warm runs of one step, of all that are counted; nothing of what it has already. Until
  /// there are `least` of them the time does not end.
  void add(const NewsStep& step, std::uint64_t least = 1);
  /// Fixes the bound: the upper end of the 95 % interval of the failure rate, where `design_effect`
  /// runs count as one.
  ///
  /// Shape: with a run.
  void fix(double design_effect);
};

/// Returns what `later` speaks against.
RateHypothesis no_decline(double bound);

}  // namespace dagloop
