#include "dagloop/kpi/interval.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

struct Reference {
  std::uint64_t successes;
  std::uint64_t trials;
  double low;
  double high;
};

// SciPy 1.10.1, scipy.stats.binomtest(k, n).proportion_ci(method="wilson").
constexpr std::array kReferences{
    Reference{0, 1, 0.0, 0.7934506856227626},
    Reference{1, 1, 0.20654931437723745, 1.0},
    Reference{0, 20, 0.0, 0.16112515805281938},
    Reference{1, 53, 0.0033384533882637665, 0.09942912052501235},
    Reference{18, 20, 0.6989663547715128, 0.9721335187862319},
    Reference{47, 53, 0.7742348088800781, 0.9470696905229743},
    Reference{100, 100, 0.9630065017930143, 1.0},
    Reference{9999, 10000, 0.9994337311025987, 0.9999823473263989},
    Reference{123456, 1000000, 0.12281269653142285, 0.12410219641400438}};

}  // namespace

TEST_CASE("the Wilson interval equals SciPy's to twelve digits") {
  for (const Reference& reference : kReferences) {
    CAPTURE(reference.successes, reference.trials);
    const Interval interval = wilson95(reference.successes, reference.trials);
    CHECK(std::abs(interval.low - reference.low) < 1e-12);
    CHECK(std::abs(interval.high - reference.high) < 1e-12);
  }
}

TEST_CASE("the Wilson interval holds the share and is symmetric for failures") {
  for (std::uint64_t n = 1; n <= 60; ++n) {
    for (std::uint64_t k = 0; k <= n; ++k) {
      const Interval interval = wilson95(k, n);
      const Interval mirrored = wilson95(n - k, n);
      const double share = static_cast<double>(k) / static_cast<double>(n);
      REQUIRE(interval.low <= share);
      REQUIRE(share <= interval.high);
      REQUIRE(interval.low >= 0);
      REQUIRE(interval.high <= 1);
      REQUIRE(std::abs(interval.low - (1 - mirrored.high)) < 1e-12);
    }
  }
}

TEST_CASE("the Wilson interval of nothing, or of more successes than trials, is a bug") {
  CHECK_THROWS_AS(wilson95(0, 0), Error);
  CHECK_THROWS_AS(wilson95(2, 1), Error);
}

// Newcombe 1998 (Statistics in Medicine 17, p. 873), table II, method 10.
TEST_CASE("the interval of a difference is Newcombe's") {
  struct Published {
    Proportion first;
    Proportion second;
    double low;
    double high;
  };
  constexpr std::array kPublished{
      Published{{56, 70}, {48, 80}, 0.0524, 0.3339}, Published{{9, 10}, {3, 10}, 0.1705, 0.8090},
      Published{{6, 7}, {2, 7}, 0.0582, 0.8062},     Published{{5, 56}, {0, 29}, -0.0381, 0.1926},
      Published{{0, 10}, {0, 20}, -0.1611, 0.2775},  Published{{0, 10}, {0, 10}, -0.2775, 0.2775},
      Published{{10, 10}, {0, 20}, 0.6791, 1.0},     Published{{10, 10}, {0, 10}, 0.6075, 1.0}};
  for (const Published& each : kPublished) {
    CAPTURE(each.first.events, each.second.events);
    const Estimate found = proportion_difference95(each.first, each.second);
    CHECK(std::abs(found.ci95->low - each.low) < 5e-5);
    CHECK(std::abs(found.ci95->high - each.high) < 5e-5);
    const Estimate turned = proportion_difference95(each.second, each.first);
    CHECK(turned.value == -found.value);
    CHECK(turned.ci95->low == Approx(-found.ci95->high).margin(1e-15));
    CHECK(turned.ci95->high == Approx(-found.ci95->low).margin(1e-15));
  }
}

TEST_CASE("more events than trials have a difference, but no interval") {
  const Estimate found = proportion_difference95({3, 2}, {1, 2});
  CHECK(found.value == 1);
  CHECK_FALSE(found.ci95);
  CHECK_THROWS_AS(proportion_difference95({0, 0}, {1, 2}), Error);
}

TEST_CASE("sums and products of figures carry both intervals on") {
  const Estimate a{2, Interval{1, 5}};
  const Estimate b{-3, Interval{-7, 1}};
  CHECK(sum95(a, b) == Estimate{-1, Interval{-1 - std::hypot(1, 4), -1 + std::hypot(3, 4)}});
  // a goes up by 3: the product goes down by 9; b goes down by 4: by 8; together by 3 * 4.
  const Estimate product = product95(a, b);
  CHECK(product.value == -6);
  CHECK(product.ci95->low == Approx(-6 - std::sqrt(81.0 + 64 + 144)));
  CHECK(product.ci95->high == Approx(-6 + std::sqrt(9.0 + 64 + 144)));
  CHECK_FALSE(sum95(a, {1, std::nullopt}).ci95);
  CHECK_FALSE(product95({1, std::nullopt}, a).ci95);
}

}  // namespace dagloop
