#include "dagloop/kpi/interval.hpp"

#include <algorithm>
#include <cmath>

#include "dagloop/base/assert.hpp"

namespace dagloop {

namespace {

double rate_of(const Proportion& counts) {
  return static_cast<double>(counts.events) / static_cast<double>(counts.trials);
}

// How much further down, and up, the interval reaches than the figure.
struct Reach {
  double down = 0;
  double up = 0;
};

Reach reach_of(const Estimate& estimate) {
  return {estimate.value - estimate.ci95->low, estimate.ci95->high - estimate.value};
}

// A figure times a constant reaches as far, or the other way round.
Reach scaled(const Reach& reach, double factor) {
  return factor >= 0 ? Reach{reach.down * factor, reach.up * factor}
                     : Reach{-reach.up * factor, -reach.down * factor};
}

}  // namespace

Interval wilson95(std::uint64_t successes, std::uint64_t trials) {
  DAGLOOP_ASSERT(trials >= 1 && successes <= trials);
  constexpr double kZ = 1.959963984540054;  // the standard normal's 97.5 % quantile
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double z2 = kZ * kZ;
  const double center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  // The ends are exact where all or none succeeded; rounding must not push them past 0 or 1.
  return {successes == 0 ? 0 : std::max(0.0, center - half),
          successes == trials ? 1 : std::min(1.0, center + half)};
}

Estimate proportion_difference95(const Proportion& first, const Proportion& second) {
  DAGLOOP_ASSERT(first.trials >= 1 && second.trials >= 1);
  Estimate difference{rate_of(first) - rate_of(second), std::nullopt};
  if (first.events > first.trials || second.events > second.trials) return difference;
  // Newcombe 1998, method 10: two Wilson intervals joined by squares, which never leave -1 to 1.
  const Interval one = wilson95(first.events, first.trials);
  const Interval other = wilson95(second.events, second.trials);
  difference.ci95 = Interval{
      difference.value - std::hypot(rate_of(first) - one.low, other.high - rate_of(second)),
      difference.value + std::hypot(one.high - rate_of(first), rate_of(second) - other.low)};
  return difference;
}

Estimate sum95(const Estimate& first, const Estimate& second) {
  Estimate sum{first.value + second.value, std::nullopt};
  if (!first.ci95 || !second.ci95) return sum;
  const Reach one = reach_of(first);
  const Reach other = reach_of(second);
  sum.ci95 = Interval{sum.value - std::hypot(one.down, other.down),
                      sum.value + std::hypot(one.up, other.up)};
  return sum;
}

Estimate product95(const Estimate& first, const Estimate& second) {
  Estimate product{first.value * second.value, std::nullopt};
  if (!first.ci95 || !second.ci95) return product;
  const Reach one = reach_of(first);
  const Reach other = reach_of(second);
  const Reach by_first = scaled(one, second.value);
  const Reach by_second = scaled(other, first.value);
  // Both factors may be off at once: a term that is small unless both intervals are wide.
  const double together = std::max(one.down, one.up) * std::max(other.down, other.up);
  product.ci95 = Interval{product.value - std::hypot(by_first.down, by_second.down, together),
                          product.value + std::hypot(by_first.up, by_second.up, together)};
  return product;
}

}  // namespace dagloop
