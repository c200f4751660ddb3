// What was counted since the evidence last began to rise. Pure value types.
#pragma once

#include <cstdint>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/evidence/arm_counts.hpp"

namespace dagloop {

/// What was counted of one user; of one request, where no user is named.
struct UserCounts {
  std::uint64_t hash = 0;
  ArmCounts counts;
  bool operator==(const UserCounts&) const = default;
};

/// What was counted of the runs of one stratum.
struct StratumCounts {
  std::uint8_t stratum = 0;  // its place in Evidence::strata, or that list's size: the rest
  Block counts = {};
  Block failed = {};                      // as StepCounts::failed
  std::vector<std::uint64_t> above = {};  // as StepCounts::above
  StratumCounts& operator+=(const StratumCounts& other);
  bool operator==(const StratumCounts&) const = default;
};

/// What was counted in one step of time, or in several that follow one another.
struct StepCounts {
  Block counts;
  TimePoint start = {};                // of the first step with a trial
  std::vector<UserCounts> users = {};  // of the subject, by hash; empty: not known
  std::vector<std::uint64_t> above =
      {};             // of the subject, above each latency edge; empty: not counted
  Block failed = {};  // of the events of fallback_rise: runs that failed and did not fall back
  std::vector<StratumCounts> strata = {};  // the counts by stratum, ascending; empty: one is all
  StepCounts& operator+=(const StepCounts& later);
  bool operator==(const StepCounts&) const = default;
};

/// What was counted since a bet had last gained nothing.
///
/// Shape:  of the users those with most events, kMostStretchUsers of them.
/// Source: Page 1954, "Continuous inspection schemes" (CUSUM).
struct Stretch {
  double log_gain = 0;  // of the bet since then, undiscounted; 0: nothing is counted
  StepCounts seen;
  bool operator==(const Stretch&) const = default;

  /// Adds a block on which the bet gained `log_gain_of_block`. Of its strata what lies above each
  /// latency is not kept.
  void add(const StepCounts& block, double log_gain_of_block);
};

/// Returns the blocks of all strata; where they are not told apart, one.
std::vector<Block> blocks_of(const StepCounts& counts);

inline constexpr std::size_t kMostStretchUsers = 12;

/// What a stretch has to have won, and one block without its worst user: an e-value.
inline constexpr double kConvincing = 20;

}  // namespace dagloop
