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

}  // namespace dagloop
