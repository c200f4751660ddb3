#include "dagloop/kpi/interval.hpp"

#include <algorithm>
#include <cmath>

#include "dagloop/base/assert.hpp"

namespace dagloop {

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

}  // namespace dagloop
