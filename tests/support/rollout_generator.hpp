// A seeded generator of logs of a DAG-running service: the same options give the same bytes on
// every machine, for its random numbers are its own. Used by tests, examples and benchmarks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/time.hpp"

namespace dagloop::test {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// Returns the next 64 bits.
  std::uint64_t next();
  /// Returns a number in [0, 1).
  double uniform();
  /// Returns a whole number in [0, n).
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  /// Returns whether an event of this probability happens.
  bool chance(double probability) { return uniform() < probability; }

 private:
  std::uint64_t state_;
};

/// The service to imitate. Rates are fractions.
struct RolloutOptions {
  std::uint64_t seed = 1;
  TimePoint start;
  double days = 3;
  double runs_per_day = 400;
  double canary_share = 0.1;  // 0: no cohorts are logged
  double success_rate = 0.95;
  double p50_ms = 1200;
  std::optional<TimePoint> bad_from;  // from then on the canary goes bad
  double bad_success_rate = 0.7;
  std::string bad_error_code = "TOOL_AUTH_ERROR";
  double bad_slowdown = 1.3;
  double node_records = 3;  // nodes a run; 0: run records only
  double duplicates = 0.01;
  double derived = 0.05;  // runs whose run record is missing
  double non_dag = 0.05;
  double in_flight = 0.002;
  double malformed = 0;
  bool shuffle_keys = false;  // every record with its keys in an order of its own
};

/// Writes the log, record by record, shipped slightly out of order.
void generate_rollout(const RolloutOptions& options,
                      const std::function<void(std::string_view line)>& write_line);

}  // namespace dagloop::test
