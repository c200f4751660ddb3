// Services whose truth is known: how nodes fail, last and are mended, what runs do under any
// policy. Their laws are not those that the models assume. From a seed.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "dagloop/kpi/partial.hpp"

namespace dagloop::sim {

/// Numbers of a seed, the same everywhere (SplitMix64: quick to seed, once a run).
class Lots {
 public:
  explicit Lots(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U) {}
  double uniform() { return (static_cast<double>(next() >> 12U) + 0.5) * 0x1.0p-52; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double p) { return uniform() < p; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  double normal();
  std::uint64_t next() {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15U;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31U);
  }

 private:
  std::uint64_t state_;
};

/// A law of durations: two log-normal or Weibull humps, and a share that never ends.
struct DurationLaw {
  bool is_weibull = false;
  double median_ms = 1000;
  double spread = 0.5;  // sigma, or 1 / shape
  double slow_share = 0;
  double slow_times = 5;
  double hanging = 0;

  double draw(Lots& lots) const;    // infinite: never
  double above(double t_ms) const;  // P(longer than t)
};

DurationLaw draw_law(Lots& lots);

struct KnownNode {
  double reach = 1;
  double lasting = 0;  // share of pairs that no attempt mends
  double error = 0;    // of other first attempts
  double mended = 1;   // of other retries
  DurationLaw duration;
};

struct KnownPolicy {
  int attempts = 3;
  double timeout_ms = 30000;
};

struct KnownService {
  std::vector<KnownNode> nodes;
  double other_failures = 0;  // runs that fail behind all nodes
  KnownPolicy policy;
};

/// Draws a service whose timeout cuts some attempts off.
KnownService draw_service(Lots& lots);

/// Returns the success rate under `policy`, exactly.
double true_success(const KnownService& service, const KnownPolicy& policy);

/// Returns the p95 latency under `policy` of as many runs of the same lots.
double true_p95(const KnownService& service, const KnownPolicy& policy, std::uint64_t seed,
                int runs);

/// Lets `runs` runs happen and logs them.
KpiPartial serve(const KnownService& service, int runs, Lots& lots);

}  // namespace dagloop::sim
