#include "dagloop/kpi/mantel_haenszel.hpp"

#include <algorithm>
#include <cmath>

namespace dagloop {

void MantelHaenszel::add(const Side& subject, const Side& reference) {
  if (subject.trials == 0 || reference.trials == 0) return;
  const auto n1 = static_cast<double>(subject.trials);
  const auto n0 = static_cast<double>(reference.trials);
  const auto x1 = static_cast<double>(subject.events);
  const auto x0 = static_cast<double>(reference.events);
  const double all = n1 + n0;
  ++strata_;
  weight_ += n1 * n0 / all;
  difference_ += (x1 * n0 - x0 * n1) / all;
  subject_ += x1 * n0 / all;
  reference_ += x0 * n1 / all;
  // The variance of Sato 1989, which holds for many small strata and for few large ones.
  p_ += (n1 * n1 * x0 - n0 * n0 * x1 + n1 * n0 * (n0 - n1) / 2) / (all * all);
  q_ += (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * all);
  any_event_ = any_event_ || x1 + x0 > 0;
  any_other_ = any_other_ || x1 + x0 < all;
}

Estimate MantelHaenszel::difference() const {
  constexpr double kZ = 1.959963984540054;  // the standard normal's 97.5 % quantile
  Estimate found{difference_ / weight_, std::nullopt};
  // Without an event on either side the variance is 0, which would be an interval of no width.
  if (!any_event_ || !any_other_) return found;
  // The ends solve (found - d)^2 = z^2 (d P + Q) / W^2.
  const double square = kZ * kZ / (weight_ * weight_);
  const double middle = found.value + square * p_ / 2;
  const double half =
      std::sqrt(std::max(0.0, middle * middle - found.value * found.value + square * q_));
  found.ci95 = Interval{std::max(-1.0, middle - half), std::min(1.0, middle + half)};
  return found;
}

}  // namespace dagloop
