#include "dagloop/evidence/trend.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>

using namespace dagloop;

namespace {

std::vector<DailyValue> series_of(const std::vector<double>& values) {
  std::vector<DailyValue> series;
  for (const double value : values) series.push_back({static_cast<int>(series.size()), value});
  return series;
}

/// A series with its figures by SciPy 1.10.1 (theilslopes, kendalltau).
struct Reference {
  const char* name;
  std::vector<double> values;
  double slope;
  double tau;
  double p;
};

}  // namespace

TEST_CASE("slope, tau and p are those of SciPy") {
  const std::vector<Reference> references{
      {"up",
       {0.8, 0.807692, 0.815385, 0.823077, 0.830769, 0.838462, 0.846154, 0.853846, 0.861538,
        0.869231, 0.876923, 0.884615, 0.892308, 0.9},
       0.007692300000000008,
       1.0,
       2.294149119545945e-11},
      {"noisy up",
       {0.840818, 0.756579, 0.823747, 0.811722, 0.821716, 0.83415, 0.805754, 0.849208, 0.844234,
        0.935691, 0.881439, 0.877563, 0.886682, 0.886639},
       0.007504571428571432,
       0.5824175824175825,
       0.003024811732028994},
      {"noisy flat",
       {0.889448, 0.896092, 0.904819, 0.897614, 0.909578, 0.898002, 0.900243, 0.915458,
        0.905451, 0.894948, 0.898172, 0.905405, 0.919351, 0.897304, 0.897564, 0.910023,
        0.891135, 0.897083, 0.908825, 0.905804, 0.900915, 0.906701, 0.871718, 0.910213,
        0.890404, 0.883314, 0.902764, 0.907005, 0.895552, 0.889236},
       -0.0001065217391304327,
       -0.06666666666666667,
       0.6203016304141579},
      {"down with outlier",
       {0.95, 0.945833, 0.941667, 0.9375, 0.933333, 0.929167, 0.925, 0.920833, 0.916667, 0.9125,
        0.908333, 0.904167, 0.9, 0.2},
       -0.00416666666666667,
       -1.0,
       2.294149119545945e-11},
      {"ties",
       {0.8,  0.8,  0.8,  0.81, 0.81, 0.81, 0.81, 0.82, 0.82, 0.82, 0.82, 0.82, 0.83, 0.83,
        0.83, 0.83, 0.84, 0.84, 0.84, 0.84, 0.84, 0.85, 0.85, 0.85, 0.85, 0.86, 0.86, 0.86},
       0.0022222222222222244,
       0.9399988742535191,
       2.2897206667506452e-11},
  };
  for (const Reference& reference : references) {
    INFO(reference.name);
    const Trend trend = find_trend(series_of(reference.values));
    CHECK(trend.slope_per_day == Approx(reference.slope).epsilon(1e-9));
    CHECK(trend.tau.value() == Approx(reference.tau).epsilon(1e-12));
    CHECK(trend.p_value.value() == Approx(reference.p).epsilon(1e-9));
  }
}

TEST_CASE("a series of equal values has no trend, and says so") {
  const Trend trend = find_trend(series_of(std::vector<double>(14, 0.9)));
  CHECK(trend.slope_per_day == 0);
  CHECK_FALSE(trend.tau);
  CHECK_FALSE(trend.p_value);
  CHECK_FALSE(trend.rises());
  CHECK_FALSE(trend.falls());
}

TEST_CASE("the exact p is the share of orders that are as far from even, or further") {
  std::vector<double> values{0.3, 0.1, 0.7, 0.4, 0.9, 0.5};
  const double p = *find_trend(series_of(values)).p_value;
  const double tau = std::abs(*find_trend(series_of(values)).tau);
  std::sort(values.begin(), values.end());
  int all = 0;
  int as_far = 0;
  do {
    ++all;
    if (std::abs(*find_trend(series_of(values)).tau) >= tau - 1e-12) ++as_far;
  } while (std::next_permutation(values.begin(), values.end()));
  CHECK(all == 720);
  CHECK(p == Approx(static_cast<double>(as_far) / all).epsilon(1e-12));
}

TEST_CASE("a missing day stretches the slope, not the direction") {
  const Trend trend = find_trend({{0, 1.0}, {1, 2.0}, {5, 6.0}, {9, 10.0}});
  CHECK(trend.slope_per_day == Approx(1));
  CHECK(trend.tau.value() == Approx(1));
}

TEST_CASE("without a trend one is seen in no more than one series of twenty") {
  std::mt19937_64 dice(3);
  int seen = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> values;
    for (int day = 0; day < 14; ++day) values.push_back(static_cast<double>(dice() >> 11));
    const Trend trend = find_trend(series_of(values));
    if (trend.rises() || trend.falls()) ++seen;
  }
  CHECK(seen <= 120);
  CHECK(seen >= 40);
}
