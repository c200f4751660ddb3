#include "dagloop/evidence/latency_evidence.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "../../support/fault_every.hpp"
#include "dagloop/evidence/rate_sequence.hpp"

using namespace dagloop;

namespace {

constexpr double kUsual_ms = 900;
constexpr double kAlpha = 0.01;

/// Lognormal latencies (sigma 0.5) whose p95 is 900 ms times `factor`.
class Service {
 public:
  explicit Service(std::uint64_t seed) : dice_(seed) {}

  double latency(double factor) {
    return factor * kUsual_ms * std::exp(0.5 * (normal_(dice_) - 1.6448536269514722));
  }

  LatencyCounts runs(std::uint64_t count, double factor) {
    const std::vector<double> edges = latency_edges(kUsual_ms);
    LatencyCounts counts{count, std::vector<std::uint64_t>(edges.size())};
    for (std::uint64_t i = 0; i < count; ++i) {
      const double latency_ms = latency(factor);
      for (std::size_t edge = 0; edge < edges.size(); ++edge) {
        if (latency_ms > edges[edge]) ++counts.above[edge];
      }
    }
    return counts;
  }

 private:
  std::mt19937_64 dice_;
  std::normal_distribution<double> normal_;
};

/// Returns after how many of the subject's runs it is called slower, 10 beside 90 a look; 0: never
/// in 100 looks. `drift` is what both sides' latencies are multiplied by at a look.
template <typename Drift>
std::uint64_t found_after(std::uint64_t seed, double factor, const Drift& drift) {
  Service service(seed);
  LatencyEvidence evidence;
  for (int look = 0; look < 100; ++look) {
    evidence.add(service.runs(10, factor * drift(look)), service.runs(90, drift(look)));
    if (view_latency(evidence, kUsual_ms, kAlpha)->decides()) return evidence.subject.runs;
  }
  return 0;
}

double steady(int) { return 1; }
double day_and_night(int look) { return 1 + 0.5 * std::sin(look / 8.0); }

template <typename Drift>
int false_alarms(const Drift& drift) {
  int alarms = 0;
  for (std::uint64_t seed = 1; seed <= 300; seed += test::fault_every()) {
    if (found_after(seed, 1, drift) > 0) ++alarms;
  }
  return alarms;
}

}  // namespace

TEST_CASE("runs that are no slower are rarely called slower, however often they are looked at") {
  CHECK(false_alarms(steady) <= 3);
  CHECK(false_alarms(day_and_night) <= 3);
}

TEST_CASE("slower runs are found, the sooner the slower") {
  const auto median_of = [](double factor) {
    std::vector<std::uint64_t> found;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      found.push_back(found_after(seed, factor, steady));
      CHECK(found.back() > 0);
    }
    std::sort(found.begin(), found.end());
    return found[found.size() / 2];
  };
  const std::uint64_t a_fifth = median_of(1.2);
  const std::uint64_t half = median_of(1.5);
  CHECK(a_fifth <= 250);
  CHECK(half <= 60);
  CHECK(half < a_fifth);
}

TEST_CASE("faster runs are never called slower") { CHECK(found_after(1, 0.5, steady) == 0); }

TEST_CASE("the first runs of the reference say what is usual, and bet nothing") {
  Service service(7);
  LatencyEvidence evidence;
  evidence.add(service.runs(100, 4), service.runs(0, 1));
  CHECK(evidence.greatest_log_e == std::vector<double>(kDiscounts));
  CHECK_FALSE(view_latency(evidence, kUsual_ms, kAlpha));
  evidence.add(service.runs(100, 4), service.runs(900, 1));
  CHECK(evidence.greatest_log_e == std::vector<double>(kDiscounts));
  CHECK(evidence.subject.runs == 200);
  evidence.add(service.runs(100, 4), service.runs(900, 1));
  CHECK(view_latency(evidence, kUsual_ms, kAlpha)->decides());
}

TEST_CASE("news of which a side was not counted by edges add nothing") {
  LatencyEvidence evidence;
  const LatencyCounts counted{100, std::vector<std::uint64_t>(kLatencyEdges, 3)};
  evidence.add({100, {}}, {100, {}});
  evidence.add(counted, {100, {}});
  evidence.add({100, {}}, counted);
  CHECK(evidence == LatencyEvidence());
}

TEST_CASE("a quantile's interval ends at the edges whose share's interval excludes it") {
  const std::vector<double> edges = latency_edges(kUsual_ms);
  for (const std::uint64_t runs : {20U, 200U, 5000U}) {
    const LatencyCounts counts = Service(runs).runs(runs, 1);
    for (const double p : {0.5, 0.95}) {
      std::optional<double> low;
      std::optional<double> high;
      for (std::size_t i = 0; i < edges.size(); ++i) {
        const Interval share = rate_sequence_interval({runs, counts.above[i]}, kAlpha / 2);
        if (share.low > 1 - p) low = edges[i];
        if (share.high < 1 - p && !high) high = edges[i];
      }
      const QuantileInterval found = quantile_sequence_interval(counts, edges, p, kAlpha);
      CHECK(found.low_ms == low);
      CHECK(found.high_ms == high);
    }
  }
}

TEST_CASE("a quantile's interval holds it at every look") {
  const std::vector<double> edges = latency_edges(kUsual_ms);
  int left = 0;
  for (std::uint64_t seed = 1; seed <= 300; seed += test::fault_every()) {
    Service service(seed);
    LatencyEvidence evidence;
    bool was_outside = false;
    for (int look = 0; look < 50; ++look) {
      evidence.add(service.runs(20, 1), service.runs(20, 1));
      const auto p95 = quantile_sequence_interval(evidence.subject, edges, 0.95, 0.1);
      was_outside = was_outside || (p95.low_ms && *p95.low_ms > kUsual_ms) ||
                    (p95.high_ms && *p95.high_ms < kUsual_ms);
    }
    if (was_outside) ++left;
  }
  CHECK(left <= 30);
}

TEST_CASE("the view says where the shares of slower runs differ most") {
  const std::vector<double> edges = latency_edges(kUsual_ms);
  LatencyCounts subject{100, {}};
  LatencyCounts reference{1000, {}};
  for (std::size_t i = 0; i < edges.size(); ++i) {
    subject.above.push_back(i < 20 ? 60 : 0);
    reference.above.push_back(i < 10 ? 500 : 20);
  }
  LatencyEvidence evidence;
  evidence.add(subject, reference);
  const LatencyView view = *view_latency(evidence, kUsual_ms, kAlpha);
  CHECK(view.at_ms == edges[10]);
  CHECK(view.subject_share == 0.6);
  CHECK(view.reference_share == 0.02);
  CHECK(view.subject.runs == 100);
  CHECK(view.needed == Approx(100));
}
