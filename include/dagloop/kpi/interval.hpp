// Confidence intervals of proportions. Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace dagloop {

/// A closed interval.
struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

/// A figure with its 95 % interval, where there is one.
struct Estimate {
  double value = 0;
  std::optional<Interval> ci95;
  bool operator==(const Estimate&) const = default;
};

/// How often something happened.
struct Proportion {
  std::uint64_t events = 0;
  std::uint64_t trials = 0;
};

/// Returns the Wilson score interval at 95 % for `successes` out of `trials`.
///
/// Shape:  trials >= 1 and successes <= trials, else a caller's bug; the result lies in [0, 1].
/// Source: Wilson 1927; Brown, Cai, DasGupta 2001, eq. 4 (z = 1.959963984540054).
Interval wilson95(std::uint64_t successes, std::uint64_t trials);

/// Returns the difference of two independent proportions, `first` - `second`, with its interval at
/// 95 %; none where a side has more events than trials.
///
/// Shape:  both have trials, else a caller's bug; the interval lies in [-1, 1].
/// Source: Newcombe 1998, "Interval estimation for the difference between independent proportions",
///         method 10 (hybrid score).
Estimate proportion_difference95(const Proportion& first, const Proportion& second);

/// Returns the sum of two figures, and their product, with an interval where both have one.
///
/// Shape:  the figures are taken for independent.
/// Source: method of variance estimates recovery, Zou and Donner 2008; for the product with the
///         variance of Goodman 1960.
Estimate sum95(const Estimate& first, const Estimate& second);
Estimate product95(const Estimate& first, const Estimate& second);

}  // namespace dagloop
