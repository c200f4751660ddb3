// One rollout of a story under one rule. Seeded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "story.hpp"

namespace dagloop::bench {

/// What became of it, counted from the onset (in an unchanged story: from the beginning).
struct StoryOutcome {
  /// When a rollback was first decided.
  struct Found {
    std::uint64_t canary_runs = 0;  // begun since the onset, whether they were written or not
    double hours = 0;
    bool operator==(const Found&) const = default;
  };
  std::optional<Found> found;
  bool was_promoted = false;  // a step or more after the onset, or after the verdict
  std::optional<double> days_to_top;
  bool operator==(const StoryOutcome&) const = default;
};

/// Tells the story of that seed to the rule called `rule` (loop_names()).
StoryOutcome tell(const Story& story, const std::string& rule, std::uint64_t seed,
                  const std::string& tools = "");

}  // namespace dagloop::bench
