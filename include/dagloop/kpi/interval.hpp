// Confidence intervals of proportions. Pure.
#pragma once

#include <cstdint>

namespace dagloop {

/// A closed interval.
struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

/// Returns the Wilson score interval at 95 % for `successes` out of `trials`.
///
/// Shape:  trials >= 1 and successes <= trials, else a caller's bug; the result lies in [0, 1].
/// Source: Wilson 1927; Brown, Cai, DasGupta 2001, eq. 4 (z = 1.959963984540054).
Interval wilson95(std::uint64_t successes, std::uint64_t trials);

}  // namespace dagloop
