#include "dagloop/evidence/detection.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace dagloop;

namespace {

using std::chrono::hours;

/// A service hour by hour: ten runs of the canary, ninety of the control, of which 1 in 10 fails.
class RolloutByHour {
 public:
  explicit RolloutByHour(unsigned seed) : random_(seed) { evidence_.subject = "p"; }

  const Evidence& evidence() const { return evidence_; }

  void run(int count, double drop) {
    for (int i = 0; i < count; ++i) {
      News news;
      news.canary = arm(10, 0.1 + drop);
      news.control = arm(90, 0.1);
      news.window = {end_, end_ + hours(1)};
      end_ = news.window.end;
      add_news(evidence_, news, EvidenceSides::canary_and_control, {});
    }
  }

  /// Returns how many runs of the canary end from now on until the drop is found.
  std::uint64_t runs_until_found(double drop) {
    std::uint64_t runs = 0;
    while (!view_trigger(evidence_, "success_drop", {}).decides()) {
      REQUIRE(runs < 10'000);
      run(1, drop);
      runs += 10;
    }
    return runs;
  }

 private:
  ArmFigures arm(std::uint64_t runs, double rate) {
    ArmFigures arm;
    arm.runs = runs;
    arm.failed = std::binomial_distribution<std::uint64_t>(runs, rate)(random_);
    return arm;
  }

  std::mt19937 random_;
  Evidence evidence_;
  TimePoint end_;
};

struct Found {
  double median = 0;
  double predicted = 0;  // median
};

Found find_drop(double drop, int good_hours) {
  std::vector<double> found;
  std::vector<double> predicted;
  for (unsigned seed = 1; seed <= 31; ++seed) {
    RolloutByHour service(seed);
    service.run(good_hours, 0);
    const auto runs = runs_to_find(service.evidence(), 100 * drop, {});
    REQUIRE(runs);
    predicted.push_back(static_cast<double>(*runs));
    found.push_back(static_cast<double>(service.runs_until_found(drop)));
  }
  std::ranges::sort(found);
  std::ranges::sort(predicted);
  return {found[found.size() / 2], predicted[predicted.size() / 2]};
}

}  // namespace

TEST_CASE("a drop is found after about as many runs as was said before it began") {
  for (const int good_hours : {5, 24 * 7}) {
    for (const double drop : {0.1, 0.2, 0.5}) {
      const Found found = find_drop(drop, good_hours);
      CAPTURE(good_hours, drop, found.median, found.predicted);
      CHECK(found.predicted < 1.6 * found.median);
      CHECK(found.predicted > found.median / 1.6);
    }
  }
}

TEST_CASE("how long a drop takes is not known before both sides were seen") {
  CHECK_FALSE(runs_to_find({}, 10, {}));
  RolloutByHour service(1);
  service.run(1, 0);
  CHECK(runs_to_find(service.evidence(), 10, {}));
}

TEST_CASE("a larger drop takes fewer runs") {
  RolloutByHour service(1);
  service.run(48, 0);
  CHECK(*runs_to_find(service.evidence(), 50, {}) < *runs_to_find(service.evidence(), 20, {}));
  CHECK(*runs_to_find(service.evidence(), 20, {}) < *runs_to_find(service.evidence(), 10, {}));
}
