#include "decide/survival.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace dagloop {
namespace {

/// 1000 durations of an exponential law with mean 1000 ms, as even as can be, cut off at `limit`.
DurationHistogram exponential(double limit) {
  DurationHistogram durations;
  for (int i = 0; i < 1000; ++i) {
    durations.add(std::min(-1000 * std::log(1 - (i + 0.5) / 1000), limit));
  }
  return durations;
}

double mean_above(const DurationModel& model, double t) {
  Draws draws(1);
  double sum = 0;
  for (int i = 0; i < 200; ++i) sum += model.draw(draws).above(t) / 200;
  return sum;
}

}  // namespace

// Freireich et al. 1963, remission times (weeks) on 6-mercaptopurine; the estimate as in Klein and
// Moeschberger 2003, table 4.1A.
TEST_CASE("the product-limit estimate of the 6-MP remissions is the published one") {
  const std::vector<SurvivalPoint> remissions{{6, 3, 1},  {7, 1, 0},  {9, 0, 1},  {10, 1, 1},
                                              {11, 0, 1}, {13, 1, 0}, {16, 1, 0}, {17, 0, 1},
                                              {19, 0, 1}, {20, 0, 1}, {22, 1, 0}, {23, 1, 0},
                                              {25, 0, 1}, {32, 0, 2}, {34, 0, 1}, {35, 0, 1}};
  const std::vector<double> survival = product_limit(remissions);
  const std::vector<std::pair<std::size_t, double>> published{
      {0, 0.857}, {1, 0.807}, {3, 0.753}, {5, 0.690}, {6, 0.627}, {10, 0.538}, {11, 0.448}};
  for (const auto& [point, share] : published) {
    CHECK(survival[point] == Approx(share).margin(0.0006));
  }
  CHECK(survival.back() == survival[11]);  // what is censored ends nothing
}

TEST_CASE("without censoring the product-limit estimate is the share that lasts longer") {
  const std::vector<double> survival = product_limit({{1, 2, 0}, {2, 1, 0}, {3, 1, 0}});
  CHECK(survival == std::vector<double>{0.5, 0.25, 0});
  CHECK(product_limit({}).empty());
}

TEST_CASE("a Pareto tail's survival and its inverse agree, for every shape") {
  for (const double shape : {-0.4, 0.0, 0.3, 0.8}) {
    const Tail tail{1000, shape, 500, 0};
    CHECK(tail.survival(1000) == 1);
    for (const double p : {0.9, 0.5, 0.1, 0.01}) {
      CHECK(tail.survival(tail.outlasted_by(p)) == Approx(p));
    }
  }
  CHECK(Tail{0, 0, 1000, 0}.survival(2000) == Approx(std::exp(-2)));
  CHECK(Tail{0, -0.5, 1000, 0}.survival(2000) == 0);  // its end
}

TEST_CASE("durations are counted on the right side of their limit") {
  const DurationModel whole(coarse_durations(exponential(1e9)), std::nullopt);
  CHECK(whole.count() == 1000);
  CHECK(whole.cut_off() == 0);
  const DurationModel cut(coarse_durations(exponential(2000)), 2000);
  CHECK(cut.count() == 1000);
  CHECK(cut.cut_off() == Approx(1000 * std::exp(-2)).margin(6));
}

TEST_CASE("below the limit the share above is that of the durations seen") {
  const DurationModel model(coarse_durations(exponential(3000)), 3000);
  for (const double t : {100.0, 500.0, 1000.0, 2500.0}) {
    CHECK(mean_above(model, t) == Approx(std::exp(-t / 1000)).margin(0.01));
  }
}

TEST_CASE("beyond the limit an exponential law is recovered from what was cut off") {
  const DurationModel model(coarse_durations(exponential(2000)), 2000);
  CHECK(mean_above(model, 3000) == Approx(std::exp(-3)).margin(0.02));
  CHECK(mean_above(model, 2000) == Approx(std::exp(-2)).margin(0.01));
}

TEST_CASE("where far more is cut off than the tail explains, the rest is taken to hang") {
  DurationHistogram durations = exponential(5000);  // 0.7 % beyond
  for (int i = 0; i < 200; ++i) durations.add(5000);
  const DurationModel model(coarse_durations(durations), 5000);
  CHECK(mean_above(model, 5000) == Approx(207 / 1200.0).margin(0.01));
  CHECK(mean_above(model, 20000) > 0.12);
}

TEST_CASE("a draw's quantile is the inverse of its share above") {
  const DurationModel model(coarse_durations(exponential(2000)), 2000);
  Draws draws(7);
  const DurationDraw draw = model.draw(draws);
  const DurationTable table(draw);
  for (const double p : {0.01, 0.3, 0.7, 0.85}) {
    CHECK(1 - draw.above(draw.quantile(p)) == Approx(p).margin(1e-6));
    CHECK(table.at(p) == Approx(draw.quantile(p)).epsilon(0.02).margin(3));
  }
  CHECK(table.at(0.999) == draw.quantile(0.999));
}

TEST_CASE("coarse buckets are the same before and after the durations are gone") {
  DurationHistogram exact;
  std::map<std::int32_t, std::uint64_t> counts;
  for (int i = 0; i < 500; ++i) {
    exact.add(i * 7.3);
    ++counts[DurationHistogram::bucket_of(i * 7.3)];
  }
  const CoarseDurations coarse = coarse_durations(exact);
  CHECK(coarse == coarse_durations(DurationHistogram(counts)));
  std::uint64_t sum = 0;
  for (const auto& [bucket, count] : coarse) {
    CHECK(coarse_bucket(coarse_begin(bucket)) == bucket);
    CHECK(coarse_begin(bucket + 1) <= std::max(1e-300, coarse_begin(bucket) * (1 + 1 / 32.0)));
    sum += count;
  }
  CHECK(sum == 500);
}

}  // namespace dagloop
