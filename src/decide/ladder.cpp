#include "dagloop/decide/ladder.hpp"

#include <algorithm>
#include <functional>

#include "dagloop/base/assert.hpp"

namespace dagloop {

namespace {

bool is_ladder(const std::vector<int>& ladder) {
  const bool increasing =
      std::adjacent_find(ladder.begin(), ladder.end(), std::greater_equal<>()) == ladder.end();
  return increasing && (ladder.empty() || (ladder.front() >= 0 && ladder.back() <= 100));
}

}  // namespace

std::optional<int> step_above(const std::vector<int>& ladder, int percent) {
  DAGLOOP_ASSERT(is_ladder(ladder));
  const auto above = std::upper_bound(ladder.begin(), ladder.end(), percent);
  if (above == ladder.end()) return std::nullopt;
  return *above;
}

std::optional<int> step_below(const std::vector<int>& ladder, int percent) {
  DAGLOOP_ASSERT(is_ladder(ladder));
  const auto at_or_above = std::lower_bound(ladder.begin(), ladder.end(), percent);
  if (at_or_above == ladder.begin()) return std::nullopt;
  return *(at_or_above - 1);
}

}  // namespace dagloop
