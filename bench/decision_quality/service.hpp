// A simulated service under a rollout: what each cohort's runs give, tick by tick. Seeded.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace dagloop::bench {

constexpr std::size_t kBins = 180;

/// Counts of one cohort over some time. Latencies by bin, each 3 % wider than the one before.
struct Arm {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  std::uint64_t auth_errors = 0;
  std::uint64_t server_errors = 0;
  std::uint64_t attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::array<std::uint32_t, kBins> latency{};

  Arm& operator+=(const Arm& other);
  Arm& operator-=(const Arm& other);
  /// Returns the 95th percentile (nearest rank, the bin's upper edge). Units: ms. Shape: runs >= 1.
  double p95_ms() const;
  /// Returns how many runs are in bins above that of `limit_ms`; 500 or more.
  std::uint64_t above(double limit_ms) const;
};

/// What happened in one tick.
struct Tick {
  Arm canary;
  Arm control;
};

/// What is wrong with the canary's policy, or with the world.
struct Scenario {
  std::string name;
  double drop_points = 0;     // of the canary's success rate
  double auth_factor = 1;     // of the canary's auth errors
  double latency_factor = 1;  // of the canary's latencies
  double drift_points = 0;    // amplitude of the success rate of both over a day
  bool has_bursts = false;    // an hour a day in which half of the runs of both fail
};

/// 90 % of the runs succeed, traffic has its hours (1 : 9 between night and day).
class Service {
 public:
  struct Pace {
    double runs_per_day = 0;
    int ticks_per_day = 0;
  };
  Service(const Scenario& scenario, const Pace& pace, std::uint64_t seed);
  /// Draws the next tick with `percent` of the runs under the new policy.
  Tick next(int percent);
  /// Draws a day under the old policy, before the rollout.
  Arm day_before();

 private:
  double failure_rate(bool is_canary) const;
  Arm draw(std::uint64_t runs, bool is_canary);
  std::uint64_t binomial(std::uint64_t trials, double rate);
  void draw_latencies(std::uint64_t runs, double factor, Arm& arm);

  Scenario scenario_;
  double runs_per_tick_;
  int ticks_per_day_;
  std::mt19937_64 dice_;
  int tick_ = 0;
  int burst_at_ = 0;
};

}  // namespace dagloop::bench
