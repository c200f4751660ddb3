// How long runs took, in classes: what tells whether a run began before or after some time, where
// partials know the slot of its end alone. Value type; pure.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>

#include "dagloop/base/time.hpp"

namespace dagloop {

/// Slots from that of a run's start to that of its end: 0, 1, 2, 3-4, 5-8, 9-16 and so on in powers
/// of two; the last one is open (more than 8,192 slots, four weeks).
class AgeClass {
 public:
  static constexpr std::uint8_t kLast = 15;

  /// That of a run of which no start is known.
  constexpr AgeClass() = default;
  /// Shape: `number` <= kLast.
  constexpr explicit AgeClass(std::uint8_t number) : number_(number) {}

  /// Returns the class of a run that ended at `end`.
  ///
  /// Shape: a run without a duration (< 0) is in class 0: it counts as begun when it ended.
  /// Units: milliseconds.
  static AgeClass of(TimePoint end, double duration_ms) {
    constexpr double kLongMs = 1e10;  // four months: longer ones would not fit into a time
    if (!(duration_ms > 0)) return {};
    if (duration_ms >= kLongMs) return AgeClass(kLast);
    const Microseconds duration{std::llround(duration_ms * 1000)};
    const TimePoint slot = floor_to_slot(end);
    if (duration <= end - slot) return {};  // nearly all
    const auto slots = (slot - floor_to_slot(end - duration)) / kSlot;
    AgeClass found;
    while (found.number_ < kLast && slots > found.oldest_slots()) ++found.number_;
    return found;
  }

  /// Returns the number of the class, from 0.
  constexpr std::uint8_t number() const { return number_; }

  /// Returns whether its runs that ended in `slot`, or later, surely began at `from` or later.
  constexpr bool surely_began(TimePoint slot, TimePoint from) const {
    return number_ < kLast && slot - oldest_slots() * kSlot >= from;
  }

  /// Returns how many slots before that of their end its runs began at the earliest. Shape: not of
  /// the last class, which has no limit.
  constexpr std::int64_t oldest_slots() const {
    return number_ < 2 ? number_ : std::int64_t{1} << (number_ - 1U);
  }

  auto operator<=>(const AgeClass&) const = default;

 private:
  std::uint8_t number_ = 0;
};

}  // namespace dagloop
