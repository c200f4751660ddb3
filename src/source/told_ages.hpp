// Private to the source layer: which runs' ages a database tells.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "dagloop/kpi/age_class.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Which runs' ages are told; all others are in the first class. It costs more than all other
/// digits, and mostly makes no difference.
struct ToldAges {
  // Slot boundaries. Of what ended before the first no sum has a part.
  TimePoint first;
  // Short runs, which ended at most a slot behind that of their start, began in time from here on.
  TimePoint without_short;
  static constexpr std::int64_t kShort_ms = kSlot / std::chrono::milliseconds(1);
  static constexpr std::int64_t kLong_ms = 10'000'000'000;  // are in the last class
};
/// Returns those of a query; none: no age is told.
std::optional<ToldAges> told_ages(const LogQuery& query);
/// Returns the least slots of a run's age for each class behind the first.
std::array<std::int64_t, AgeClass::kLast> age_limits();

}  // namespace dagloop
