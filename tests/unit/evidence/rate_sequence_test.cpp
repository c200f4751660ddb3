#include "dagloop/evidence/rate_sequence.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace dagloop;

TEST_CASE("the sequence interval is Robbins' mixture interval") {
  // Computed once more in Python, from math.lgamma and bisection.
  const auto check = [](const ArmCounts& counts, double alpha, double low, double high) {
    const Interval interval = rate_sequence_interval(counts, alpha);
    CHECK(interval.low == Approx(low).margin(1e-9));
    CHECK(interval.high == Approx(high).margin(1e-9));
  };
  check({100, 10}, 0.05, 0.02906085128407286, 0.2275099498585525);
  check({20, 0}, 0.05, 0, 0.22400611201278267);
  check({53, 53}, 0.01, 0.8735504234574992, 1);
  check({10000, 1000}, 0.01, 0.0874714891185675, 0.11353431777204187);
}

TEST_CASE("the sequence interval holds the rate at every look") {
  std::mt19937_64 dice(5);
  int left = 0;
  for (int i = 0; i < 2000; ++i) {
    ArmCounts counts;
    bool was_outside = false;
    for (int look = 0; look < 200; ++look) {
      ++counts.trials;
      if (dice() % 10 < 3) ++counts.events;
      const Interval interval = rate_sequence_interval(counts, 0.05);
      was_outside = was_outside || interval.low > 0.3 || interval.high < 0.3;
    }
    if (was_outside) ++left;
  }
  CHECK(left <= 100);
  CHECK(left > 20);  // it is not for want of trying
}

TEST_CASE("a rate is in the sequence interval exactly between its ends") {
  for (const ArmCounts& counts : {ArmCounts{53, 3}, ArmCounts{20, 0}, ArmCounts{20, 20}}) {
    const Interval interval = rate_sequence_interval(counts, 0.01);
    for (int percent = 1; percent < 100; ++percent) {
      const double rate = percent / 100.0;
      CHECK(is_in_rate_sequence(counts, rate, 0.01) ==
            (rate >= interval.low && rate <= interval.high));
    }
  }
}
