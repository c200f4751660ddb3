#include "dagloop/evidence/rate_sequence.hpp"

#include <cmath>

#include "dagloop/base/assert.hpp"
#include "evidence/border.hpp"

namespace dagloop {
namespace {

double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

/// The Beta(1/2, 1/2) mixture against one rate.
class MixtureTest {
 public:
  explicit MixtureTest(const ArmCounts& counts, double design_effect = 1)
      : events_(static_cast<double>(counts.events) / design_effect),
        others_(static_cast<double>(counts.trials - counts.events) / design_effect),
        mixture_(log_beta(events_ + 0.5, others_ + 0.5) - log_beta(0.5, 0.5)) {
    DAGLOOP_ASSERT(counts.trials >= 1 && counts.events <= counts.trials && design_effect >= 1);
  }

  bool allows(double rate, double alpha) const {
    double likelihood = 0;
    if (events_ > 0) likelihood += events_ * std::log(rate);
    if (others_ > 0) likelihood += others_ * std::log(1 - rate);
    // The ratio is a martingale at the true rate. So the interval holds at all times, also where
    // one stops looking when it suits (Robbins 1970).
    return mixture_ - likelihood <= std::log(1 / alpha);
  }

 private:
  double events_;
  double others_;
  double mixture_;
};

}  // namespace

Interval rate_sequence_interval(const ArmCounts& counts, double alpha, double design_effect) {
  const MixtureTest test(counts, design_effect);
  const auto is_inside = [&](double rate) { return test.allows(rate, alpha); };
  const double estimate = rate_of(counts);
  return {counts.events == 0 ? 0 : border(estimate, 0.0, is_inside),
          counts.events == counts.trials ? 1 : border(estimate, 1.0, is_inside)};
}

bool is_in_rate_sequence(const ArmCounts& counts, double rate, double alpha) {
  return MixtureTest(counts).allows(rate, alpha);
}

}  // namespace dagloop
