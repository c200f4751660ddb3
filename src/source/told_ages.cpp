#include "source/told_ages.hpp"

namespace dagloop {

std::optional<ToldAges> told_ages(const LogQuery& query) {
  if (!query.begun_between) return std::nullopt;
  return ToldAges{floor_to_slot(query.begun_between->start),
                  ceil_to_slot(query.begun_between->end) + kSlot};
}

std::array<std::int64_t, AgeClass::kLast> age_limits() {
  std::array<std::int64_t, AgeClass::kLast> limits{};
  for (std::uint8_t number = 0; number < AgeClass::kLast; ++number) {
    limits.at(number) = AgeClass(number).oldest_slots() + 1;
  }
  return limits;
}

}  // namespace dagloop
