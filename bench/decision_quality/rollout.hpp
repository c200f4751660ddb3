// One simulated rollout, from the ladder's first step to its top, or back. Seeded.
#pragma once

#include <cstdint>
#include <string>

#include "service.hpp"

namespace dagloop::bench {

/// How many runs there are, and how they are looked at.
struct Traffic {
  double runs_per_day = 0;
  int window_days = 1;    // the longer, the fewer runs there are
  int tick_minutes = 15;  // the more runs, the sooner there is something to see
  int most_days = 60;     // then it ends undecided
};

enum class Ending { rolled_back, at_top, undecided };

/// How a rollout ended.
struct Outcome {
  Ending ending = Ending::undecided;
  std::uint64_t canary_runs = 0;
  double days = 0;
  bool was_promoted = false;  // a step or more
};

/// Rolls out under the rule called `rule` (rule_names) with the default configuration; a
/// promotion is in force at once.
Outcome roll_out(const Scenario& scenario, const Traffic& traffic, const std::string& rule,
                 std::uint64_t seed);

}  // namespace dagloop::bench
