#include "user_rate.hpp"

#include <cmath>

namespace dagloop::bench {

void UserRate::add(std::uint64_t user, bool has_failed) {
  Counts& counts = by_user_[user];
  const double more = has_failed ? 1 : 0;
  runs_squared_ += 2 * counts.runs + 1;
  failed_squared_ += more * (2 * counts.failed + 1);
  products_ += counts.failed + more * (counts.runs + 1);
  counts.runs += 1;
  counts.failed += more;
  ++runs_;
  failed_ += has_failed ? 1 : 0;
}

double UserRate::rate() const { return static_cast<double>(failed_) / static_cast<double>(runs_); }

double UserRate::variance() const {
  const double p = rate();
  const auto count = static_cast<double>(users());
  const auto runs = static_cast<double>(runs_);
  const double squares = failed_squared_ - 2 * p * products_ + p * p * runs_squared_;
  return squares / (runs * runs) * count / (count - 1);
}

double least_difference(const UserRate& subject, const UserRate& reference, double alpha) {
  constexpr double kTightestAt = 5000;
  const double log_alpha = -2 * std::log(2 * alpha);
  const double rho_squared = (log_alpha + std::log(log_alpha + 1)) / kTightestAt;
  const double n = static_cast<double>(subject.users() + reference.users());
  const double spread = n * rho_squared + 1;
  const double deviation = std::sqrt(subject.variance() + reference.variance());
  const double factor =
      std::sqrt(2 * spread / (n * rho_squared) * std::log1p(std::sqrt(spread) / (2 * alpha)));
  return subject.rate() - reference.rate() - factor * deviation;
}

}  // namespace dagloop::bench
