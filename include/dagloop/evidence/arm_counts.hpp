// Counts of trials and of events on them, side by side. Value types.
#pragma once

#include <cstdint>

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

}  // namespace dagloop
