#include "service.hpp"

#include <algorithm>
#include <cmath>

namespace dagloop::bench {
namespace {

constexpr double kFirstEdgeMs = 500;
constexpr double kBinRatio = 1.03;
constexpr double kMedianMs = 8000;
constexpr double kLogSigma = 0.5;
constexpr double kFailureRate = 0.10;
constexpr double kAuthRate = 0.01;  // of all runs, within the failures; as is the next
constexpr double kServerRate = 0.02;
constexpr std::uint64_t kAttemptsPerRun = 4;
constexpr double kAttemptFailureRate = 0.05;
constexpr double kTurn = 2 * 3.14159265358979323846;

double upper_edge(std::size_t bin) {
  return kFirstEdgeMs * std::pow(kBinRatio, static_cast<double>(bin));
}

std::size_t bin_of(double ms) {
  const double place = std::ceil(std::log(ms / kFirstEdgeMs) / std::log(kBinRatio));
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)));
}

double share_below(std::size_t bin, double factor) {
  if (bin == kBins - 1) return 1;
  const double z = std::log(upper_edge(bin) / (kMedianMs * factor)) / kLogSigma;
  return std::erfc(-z / std::sqrt(2.0)) / 2;
}

}  // namespace

Arm& Arm::operator+=(const Arm& other) {
  runs += other.runs;
  failed += other.failed;
  auth_errors += other.auth_errors;
  server_errors += other.server_errors;
  attempts += other.attempts;
  failed_attempts += other.failed_attempts;
  if (other.runs == 0) return *this;
  for (std::size_t i = 0; i < kBins; ++i) latency[i] += other.latency[i];
  return *this;
}

Arm& Arm::operator-=(const Arm& other) {
  runs -= other.runs;
  failed -= other.failed;
  auth_errors -= other.auth_errors;
  server_errors -= other.server_errors;
  attempts -= other.attempts;
  failed_attempts -= other.failed_attempts;
  if (other.runs == 0) return *this;
  for (std::size_t i = 0; i < kBins; ++i) latency[i] -= other.latency[i];
  return *this;
}

double Arm::p95_ms() const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(0.95 * static_cast<double>(runs)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    seen += latency[i];
    if (seen >= rank) return upper_edge(i);
  }
  return upper_edge(kBins - 1);
}

std::uint64_t Arm::above(double limit_ms) const {
  std::uint64_t count = 0;
  for (std::size_t i = kBins; i-- > 1 && upper_edge(i - 1) >= limit_ms * (1 - 1e-9);) {
    count += latency[i];
  }
  return count;
}

Service::Service(const Scenario& scenario, const Pace& pace, std::uint64_t seed)
    : scenario_(scenario),
      runs_per_tick_(pace.runs_per_day / pace.ticks_per_day),
      ticks_per_day_(pace.ticks_per_day),
      dice_(seed) {
  tick_ = static_cast<int>(
      dice_() % static_cast<std::uint64_t>(ticks_per_day_));  // a rollout may begin at any hour
}

std::uint64_t Service::binomial(std::uint64_t trials, double rate) {
  if (trials == 0 || rate <= 0) return 0;
  return std::binomial_distribution<std::uint64_t>(trials, std::min(1.0, rate))(dice_);
}

double Service::failure_rate(bool is_canary) const {
  double rate = kFailureRate;
  const double hour = kTurn * (tick_ % ticks_per_day_) / ticks_per_day_;
  rate += scenario_.drift_points / 100 * std::sin(hour + 1);
  const int since_burst = tick_ % ticks_per_day_ - burst_at_;
  if (scenario_.has_bursts && since_burst >= 0 && since_burst < ticks_per_day_ / 24) rate = 0.5;
  if (is_canary) {
    rate += scenario_.drop_points / 100 + kAuthRate * (scenario_.auth_factor - 1);
  }
  return std::min(1.0, rate);
}

void Service::draw_latencies(std::uint64_t runs, double factor, Arm& arm) {
  if (runs < 2 * kBins) {
    std::normal_distribution<double> normal(std::log(kMedianMs * factor), kLogSigma);
    for (std::uint64_t i = 0; i < runs; ++i) ++arm.latency[bin_of(std::exp(normal(dice_)))];
    return;
  }
  double below = 0;
  for (std::size_t i = 0; i < kBins && runs > 0; ++i) {
    const double up_to = share_below(i, factor);
    const double share = below >= 1 ? 1 : (up_to - below) / (1 - below);
    const std::uint64_t here = i == kBins - 1 ? runs : binomial(runs, share);
    arm.latency[i] += static_cast<std::uint32_t>(here);
    runs -= here;
    below = up_to;
  }
}

Arm Service::draw(std::uint64_t runs, bool is_canary) {
  Arm arm;
  arm.runs = runs;
  const double rate = failure_rate(is_canary);
  const double auth = kAuthRate * (is_canary ? scenario_.auth_factor : 1);
  arm.failed = binomial(runs, rate);
  arm.auth_errors = binomial(arm.failed, auth / rate);
  arm.server_errors = binomial(arm.failed - arm.auth_errors, kServerRate / (rate - auth));
  arm.attempts = runs * kAttemptsPerRun;
  arm.failed_attempts = binomial(arm.attempts, kAttemptFailureRate);
  draw_latencies(runs, is_canary ? scenario_.latency_factor : 1, arm);
  return arm;
}

Tick Service::next(int percent) {
  if (tick_ % ticks_per_day_ == 0) {
    burst_at_ = static_cast<int>(dice_() % static_cast<std::uint64_t>(ticks_per_day_ * 23 / 24));
  }
  const double hour = kTurn * (tick_ % ticks_per_day_) / ticks_per_day_;
  std::poisson_distribution<std::uint64_t> runs(runs_per_tick_ * (1 - 0.8 * std::cos(hour)));
  const std::uint64_t all = runs(dice_);
  const std::uint64_t canary = binomial(all, percent / 100.0);
  Tick tick{draw(canary, true), draw(all - canary, false)};
  ++tick_;
  return tick;
}

Arm Service::day_before() {
  Arm sum;
  for (int i = 0; i < ticks_per_day_; ++i) sum += next(0).control;
  return sum;
}

}  // namespace dagloop::bench
