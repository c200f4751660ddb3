// The rollout ladder: one step up, or the next step down. Pure.
#pragma once

#include <optional>
#include <vector>

namespace dagloop {

/// Returns the lowest step above `percent`, nullopt at or above the top.
///
/// Shape: `ladder` is strictly increasing within [0, 100]; `percent` need not be a step.
std::optional<int> step_above(const std::vector<int>& ladder, int percent);

/// Returns the highest step below `percent`, nullopt at or below the bottom.
std::optional<int> step_below(const std::vector<int>& ladder, int percent);

}  // namespace dagloop
