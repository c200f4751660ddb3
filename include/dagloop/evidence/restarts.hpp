// When bets begin anew, with how much of the stake, and by how much they are discounted. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dagloop/base/time.hpp"

namespace dagloop {

/// Discounts are 1, 1.19, ... 64: a quarter of an octave apart.
inline constexpr std::size_t kDiscounts = 25;

/// Returns the i-th discount; i < kDiscounts.
double discount(std::size_t i);

/// Returns the least discount not below `design_effect` (>= 1); beyond the grid that itself.
double next_discount(double design_effect);

/// Returns what `log_at(i)`, a logarithm at the i-th discount, is at `design_effect` (>= 1):
/// between two discounts by their inverses; 0 beyond the grid, where there is no evidence.
///
/// Shape: exact on the grid; between, a logarithm of sums is convex, and it is a little too high.
template <typename LogAt>
double log_at_effect(double design_effect, const LogAt& log_at) {
  if (design_effect > discount(kDiscounts - 1)) return 0;
  std::size_t above = 0;
  while (discount(above) < design_effect) ++above;
  if (above == 0 || discount(above) == design_effect) return log_at(above);
  const double low = 1 / discount(above);
  const double high = 1 / discount(above - 1);
  const double part = (1 / design_effect - low) / (high - low);
  return part * log_at(above - 1) + (1 - part) * log_at(above);
}

/// What each start gets of a stake of 1: `first`, then in the k-th 28 days (k = 0, 1, ...)
/// `over_month` / 2^k, evenly by time. first + 2 * over_month <= 1.
struct StartPlan {
  double first = 0.6;
  double over_month = 0.2;
  std::uint64_t every_trials = 25;  // of the subject, at least, from one start to the next

  /// Returns how much of the stake is given out up to `elapsed` after the first start.
  double given_out(Microseconds elapsed) const;
};

/// The starts so far.
struct Starts {
  std::optional<TimePoint> first;
  TimePoint last;
  std::uint64_t trials_since = 0;  // of the subject, since the last
  double unspent = 1;              // of the stake
  bool operator==(const Starts&) const = default;

  /// Returns the stake of a start before the block that begins at `now`; 0: none is due.
  ///
  /// Shape: known before the block's trials are: it rests on time and numbers of trials alone.
  double take(const StartPlan& plan, TimePoint now);
};

}  // namespace dagloop
