// What became of many rollouts of one story under one rule, as a line of a table. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/kpi/interval.hpp"
#include "story_rollout.hpp"

namespace dagloop::bench {

/// Returns the exact 95 % interval of a proportion.
///
/// Shape:  trials >= 1.
/// Source: Clopper and Pearson 1934.
Interval exact_interval(const Proportion& seen);

/// The figures of one line.
struct StoryFigures {
  Proportion found;  // behind the onset, or (unchanged) at any time: then false
  Proportion early;  // rolled back before the onset of a fault: false
  Proportion promoted;
  Proportion at_top;
  /// The median, and what nine of ten do not exceed; a rollout that was never rolled back takes for
  /// ever. None: for ever.
  struct Quantiles {
    std::optional<double> median;
    std::optional<double> most;
  };
  Quantiles canary_runs;
  Quantiles hours;
  Quantiles days_to_top;
};

/// Counts outcomes. Shape: one or more.
StoryFigures figures_of_story(const Story& story, const std::vector<StoryOutcome>& outcomes);

/// Returns the head of a table, and a line of it, as CSV.
std::string csv_head();
std::string csv_line(const Story& story, const std::string& rule, const StoryFigures& figures);

}  // namespace dagloop::bench
