#include "dagloop/evidence/restarts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr double kDiscountsPerOctave = 4;
constexpr Microseconds kStartMonth = std::chrono::days(28);

}  // namespace

double discount(std::size_t i) {
  DAGLOOP_ASSERT(i < kDiscounts);
  static const std::array<double, kDiscounts> all = [] {
    std::array<double, kDiscounts> made{};
    for (std::size_t at = 0; at < made.size(); ++at) {
      made[at] = std::exp2(static_cast<double>(at) / kDiscountsPerOctave);
    }
    return made;
  }();
  return all[i];
}

double next_discount(double design_effect) {
  for (std::size_t i = 0; i < kDiscounts; ++i) {
    if (discount(i) >= design_effect) return discount(i);
  }
  return design_effect;
}

double StartPlan::given_out(Microseconds elapsed) const {
  const double months = std::max(
      0.0, static_cast<double>(elapsed.count()) / static_cast<double>(kStartMonth.count()));
  const double whole = std::floor(months);
  // Whole months gave over_month * (1 + 1/2 + 1/4 + ...); the present one gives by its part.
  const double before = 2 * (1 - std::exp2(-whole));
  return first + over_month * (before + (months - whole) * std::exp2(-whole));
}

double Starts::take(const StartPlan& plan, TimePoint now) {
  if (first && trials_since < plan.every_trials) return 0;
  const double all = first ? plan.given_out(now - *first) : plan.first;
  // Two blocks that begin in one step: time has not passed, and nothing is due yet.
  const double stake = std::max(0.0, all - (1 - unspent));
  if (stake <= 0) return 0;
  if (!first) first = now;
  last = now;
  trials_since = 0;
  unspent = std::max(0.0, unspent - stake);
  return stake;
}

}  // namespace dagloop
