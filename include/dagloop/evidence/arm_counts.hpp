// Counts of trials and of events on them, side by side. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace dagloop {

/// Runs (or attempts) of one side, and on how many of them what is counted happened.
struct ArmCounts {
  std::uint64_t trials = 0;
  std::uint64_t events = 0;  // at most `trials`
  ArmCounts& operator+=(const ArmCounts& other);
  bool operator==(const ArmCounts&) const = default;
};

/// Returns the share of events; `counts` has trials.
double rate_of(const ArmCounts& counts);

/// Returns the counts without those of `part`, as far as they are in them.
ArmCounts without(const ArmCounts& counts, const ArmCounts& part);

/// What was counted of both sides over the same time.
struct Block {
  ArmCounts subject;
  ArmCounts reference;
  Block& operator+=(const Block& other);
  bool operator==(const Block&) const = default;
};

/// Rates of both sides among trials that are alike: Mantel-Haenszel's, stratum by stratum. Where
/// there is one stratum, the plain rates.
struct AlikeRates {
  double subject = 0;
  double reference = 0;
  Block counts;  // of the strata that both sides have, all together
  bool operator==(const AlikeRates&) const = default;
};

/// Returns them; nullopt where no stratum has trials of both sides.
///
/// Source: kpi/mantel_haenszel.hpp.
std::optional<AlikeRates> alike_rates(const std::vector<Block>& strata);

/// Returns counts as they would be had all strata these rates; rounded, for what is shown or
/// foretold.
Block as_one_block(const AlikeRates& rates);

}  // namespace dagloop
