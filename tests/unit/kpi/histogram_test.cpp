#include "dagloop/kpi/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "dagloop/base/error.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

// The twin: sort everything, count to the ceil(p * n)-th. p is n per thousand, so ceil is exact.
double sorted_quantile(std::vector<double> values, std::uint64_t per_mille) {
  std::sort(values.begin(), values.end());
  const std::uint64_t rank = (per_mille * values.size() + 999) / 1000;
  return values[std::max<std::uint64_t>(rank, 1) - 1];
}

std::vector<double> durations(test::Random& random, std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(random.chance(0.02) ? 0 : std::exp(12 * random.uniform()) - 1);
  }
  return values;
}

DurationHistogram histogram_of(const std::vector<double>& values) {
  DurationHistogram histogram;
  for (const double value : values) histogram.add(value);
  return histogram;
}

}  // namespace

TEST_CASE("an empty histogram has no quantile") {
  const DurationHistogram empty;
  CHECK(empty.count() == 0);
  CHECK_FALSE(empty.quantile(0.5));
  CHECK(empty.method() == QuantileMethod::exact);
}

TEST_CASE("quantiles are the nearest rank of the sorted durations while the histogram is exact") {
  test::Random random(1);
  for (std::size_t n = 1; n <= 120; ++n) {
    const auto values = durations(random, n);
    const DurationHistogram histogram = histogram_of(values);
    for (const std::uint64_t per_mille : {1U, 10U, 250U, 500U, 900U, 950U, 990U, 999U, 1000U}) {
      CAPTURE(n, per_mille);
      REQUIRE(histogram.quantile(static_cast<double>(per_mille) / 1000) ==
              sorted_quantile(values, per_mille));
    }
  }
}

TEST_CASE(
    "the 95th percentile of twenty durations is the nineteenth, whatever 0.95 * 20 rounds to") {
  DurationHistogram histogram;
  for (int i = 1; i <= 20; ++i) histogram.add(i);
  CHECK(histogram.quantile(0.95) == 19);
  CHECK(histogram.quantile(0.5) == 10);
  CHECK(histogram.quantile(1) == 20);
}

TEST_CASE("a rank that is a whole number but for rounding is that number") {
  DurationHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.add(i);
  REQUIRE(0.55 * 100 > 55);  // 55.000000000000007
  CHECK(histogram.quantile(0.55) == 55);
  CHECK(histogram.quantile(0.07) == 7);
}

TEST_CASE("a large histogram stays within 1/256 of the exact quantile") {
  test::Random random(2);
  for (const std::size_t n : {4097U, 5000U, 20000U}) {
    const auto values = durations(random, n);
    const DurationHistogram histogram = histogram_of(values);
    CHECK(histogram.method() == QuantileMethod::histogram);
    CHECK(histogram.count() == n);
    for (const std::uint64_t per_mille : {10U, 500U, 950U, 990U}) {
      const double exact = sorted_quantile(values, per_mille);
      const double found = *histogram.quantile(static_cast<double>(per_mille) / 1000);
      CAPTURE(n, per_mille, exact, found);
      CHECK(std::abs(found - exact) <= exact / 256);
    }
  }
}

TEST_CASE("the histogram is exact at its limit and not one above") {
  std::vector<double> values(DurationHistogram::kExactLimit, 3);
  CHECK(histogram_of(values).method() == QuantileMethod::exact);
  values.push_back(3);
  CHECK(histogram_of(values).method() == QuantileMethod::histogram);
}

TEST_CASE("merging histograms in any grouping and order equals adding all durations") {
  test::Random random(3);
  for (int round = 0; round < 60; ++round) {
    // Sizes around the limit, so that sides are exact or spilled in every combination.
    std::vector<std::vector<double>> parts;
    std::vector<double> all;
    for (int i = 0; i < 3; ++i) {
      parts.push_back(durations(random, random.below(round % 2 == 0 ? 40 : 4000)));
      all.insert(all.end(), parts.back().begin(), parts.back().end());
    }
    const auto a = histogram_of(parts[0]);
    const auto b = histogram_of(parts[1]);
    const auto c = histogram_of(parts[2]);
    auto left = a;
    left.merge(b);
    left.merge(c);
    auto inner = c;
    inner.merge(b);
    inner.merge(a);
    REQUIRE(left == histogram_of(all));
    REQUIRE(left == inner);
    auto with_nothing = left;
    with_nothing.merge(DurationHistogram());
    REQUIRE(with_nothing == left);
  }
}

TEST_CASE("durations that came in buckets stay in buckets, however few") {
  const std::map<std::int32_t, std::uint64_t> two{{DurationHistogram::bucket_of(100), 2}};
  DurationHistogram few(two);
  CHECK(few.method() == QuantileMethod::histogram);
  CHECK(few.quantile(0.5).value() == Approx(100).epsilon(0.004));
  const DurationHistogram exact = histogram_of({300, 400, 500});
  auto merged = few;
  merged.merge(exact);
  auto other = exact;
  other.merge(few);
  few.add(300);
  few.add(400);
  few.add(500);
  CHECK(merged == other);
  CHECK(merged == few);
  CHECK(merged.count() == 5);
  CHECK(merged.quantile(1).value() == Approx(500).epsilon(0.004));
}

TEST_CASE("histograms of different durations differ") {
  CHECK_FALSE(histogram_of({1, 2}) == histogram_of({1, 3}));
  CHECK_FALSE(histogram_of({1}) == histogram_of({1, 1}));
}

TEST_CASE("zeros of either sign are the same duration, exact or in buckets") {
  CHECK(histogram_of({-0.0}) == histogram_of({0.0}));
  const std::size_t many = DurationHistogram::kExactLimit + 1;
  const DurationHistogram zeros = histogram_of(std::vector<double>(many, 0.0));
  CHECK(histogram_of(std::vector<double>(many, -0.0)) == zeros);
  CHECK(zeros.quantile(0.95) == 0);
}

TEST_CASE("a negative or infinite duration and a quantile beyond 1 are bugs") {
  DurationHistogram histogram;
  CHECK_THROWS_AS(histogram.add(-1), Error);
  CHECK_THROWS_AS(histogram.add(std::numeric_limits<double>::infinity()), Error);
  CHECK_THROWS_AS(histogram.quantile(0), Error);
  CHECK_THROWS_AS(histogram.quantile(1.01), Error);
}

}  // namespace dagloop
