#include "dagloop/evidence/decline.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace dagloop;

namespace {

/// A service of 600 runs a day, hour by hour.
class DecliningService {
 public:
  explicit DecliningService(std::uint64_t seed) : dice_(seed) { evidence_.fixed.policy = "p"; }

  DecliningService& days(double count, double first_rate, double more_a_day = 0) {
    for (int hour = 0; hour < std::lround(24 * count); ++hour) {
      step(first_rate + more_a_day * hour / 24.0);
    }
    return *this;
  }

  DecliningService& fix() {
    evidence_.fixed.fix(1);
    return *this;
  }

  DeclineView view() const { return *view_decline(evidence_, {}); }
  const Evidence& evidence() const { return evidence_; }

 private:
  void step(double rate) {
    News news;
    news.window = {end_, end_ + std::chrono::hours(1)};
    end_ = news.window.end;
    news.all.runs = 25;
    news.all.failed = std::binomial_distribution<std::uint64_t>(25, rate)(dice_);
    news.before = news.all;
    add_news(evidence_, news, EvidenceSides::all_and_before, {});
  }

  std::mt19937_64 dice_;
  TimePoint end_;
  Evidence evidence_;
};

bool is_declined(const DeclineView& view) {
  const bool crosses = view.is_convincing && rate_of(view.stretch) >= view.bound + 0.05;
  return view.decides() && crosses;
}

}  // namespace

TEST_CASE("a baseline counts no more than 2,000 runs and three days, and stands then") {
  DecliningService service(1);
  service.days(5, 0.05);
  const FixedBaseline& fixed = service.evidence().fixed;
  CHECK(fixed.counted.trials == 1800);
  CHECK_FALSE(view_decline(service.evidence(), {}));
  service.fix();
  const double bound = service.view().bound;
  CHECK(bound > rate_of(fixed.counted));
  CHECK(bound < rate_of(fixed.counted) + 0.015);
  service.days(3, 0.2);
  CHECK(service.view().bound == bound);
  CHECK(service.view().fixed.trials == 1800);
  CHECK(is_declined(service.view()));
}

TEST_CASE("users of many runs each make the bound wider") {
  FixedBaseline one{"p", {}, {}, {1000, 50}, {}, {}};
  FixedBaseline other = one;
  one.fix(1);
  other.fix(10);
  CHECK(*other.bound > *one.bound + 0.02);
}

TEST_CASE("a decline of a point a day is noticed before it is eight points, not before it is one") {
  int noticed = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    DecliningService service(seed);
    service.days(3, 0.05).fix().days(1.5, 0.05, 0.01);
    CHECK_FALSE(service.view().decides());
    service.days(6.25, 0.065, 0.01);  // 7.75 points by now, and 7.25 in the window of a day
    noticed += service.view().decides() && 0.1225 >= service.view().bound + 0.05 ? 1 : 0;
  }
  CHECK(noticed >= 36);  // else what was verified was bad luck, and it takes some hours more
}

TEST_CASE("a rate that stays as it was verified is no decline, however long and often one looks") {
  int declined = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    DecliningService service(1000 + seed);
    service.days(3, 0.05).fix();
    bool is_told = false;
    for (int day = 0; day < 30; ++day) is_told |= is_declined(service.days(1, 0.05).view());
    declined += is_told ? 1 : 0;
  }
  CHECK(declined == 0);
}

TEST_CASE("an outage of two hours in a day is no decline") {
  int declined = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    DecliningService service(2000 + seed);
    service.days(3, 0.05).fix().days(3, 0.05).days(2.0 / 24, 0.3).days(1, 0.05);
    declined += is_declined(service.view()) ? 1 : 0;
  }
  CHECK(declined == 0);
}

TEST_CASE("between 0 and 100 % both cohorts are the service, and no step counts twice") {
  FixedBaseline fixed;
  NewsStep step;
  step.window.end = TimePoint() + std::chrono::minutes(5);
  step.canary.runs = 5;
  step.canary.failed = 1;
  step.control.runs = 45;
  step.control.failed = 3;
  fixed.add(step);
  fixed.add(step);
  CHECK(fixed.counted == ArmCounts{50, 4});
}

TEST_CASE("a baseline of few runs goes on to be counted until the least number is there") {
  FixedBaseline fixed;
  NewsStep step;
  step.all.runs = 5;
  for (int day = 0; day < 30; ++day) {
    step.window = {TimePoint() + std::chrono::hours(24 * day),
                   TimePoint() + std::chrono::hours(24 * (day + 1))};
    fixed.add(step, 50);
  }
  CHECK(fixed.counted.trials == 50);
}
