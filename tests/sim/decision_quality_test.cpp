// What docs/decision-quality.md promises, with fewer rollouts.
#include <algorithm>
#include <catch2/catch.hpp>

#include "rollout.hpp"

using namespace dagloop;
using namespace dagloop::bench;

namespace {

const Traffic kSome{500, 1, 15};
constexpr std::uint64_t kRollouts = 120;

struct Tally {
  std::uint64_t rolled_back = 0;
  std::uint64_t at_top = 0;
  std::vector<std::uint64_t> delays;
  std::vector<double> days;

  std::uint64_t median_delay() {
    std::sort(delays.begin(), delays.end());
    return delays.at(delays.size() / 2);
  }
  double median_days() {
    std::sort(days.begin(), days.end());
    return days.at(days.size() / 2);
  }
};

Tally tally(const Scenario& scenario, const std::string& rule = "this engine") {
  Tally tally;
  for (std::uint64_t i = 0; i < kRollouts; ++i) {
    const Outcome outcome = roll_out(scenario, kSome, rule, 1000 + i);
    if (outcome.ending == Ending::rolled_back) {
      ++tally.rolled_back;
      tally.delays.push_back(outcome.canary_runs);
    } else if (outcome.ending == Ending::at_top) {
      ++tally.at_top;
      tally.days.push_back(outcome.days);
    }
  }
  return tally;
}

}  // namespace

TEST_CASE("a policy that is no worse goes up, where a bare threshold takes most of them back") {
  for (const Scenario& scenario : {Scenario{"no change"}, Scenario{"drift", 0, 1, 1, 5},
                                   Scenario{"bursts", 0, 1, 1, 0, true}}) {
    CAPTURE(scenario.name);
    Tally engine = tally(scenario);
    CHECK(engine.rolled_back <= kRollouts / 40);
    CHECK(engine.at_top >= kRollouts * 39 / 40);
  }
  Tally engine = tally({"no change"});
  Tally bare = tally({"no change"}, "threshold");
  CHECK(bare.rolled_back > kRollouts / 2);
  CHECK(engine.median_days() <= 2 * bare.median_days());
}

TEST_CASE("drops are found after few canary runs") {
  Tally twenty = tally({"-20", 20});
  CHECK(twenty.rolled_back == kRollouts);
  CHECK(twenty.median_delay() <= 50);
  Tally fifty = tally({"-50", 50});
  CHECK(fifty.rolled_back == kRollouts);
  CHECK(fifty.median_delay() <= 25);
}

TEST_CASE("a drop of ten points is found, and hardly ever reaches the top") {
  Tally ten = tally({"-10", 10});
  CHECK(ten.rolled_back >= kRollouts * 95 / 100);
  CHECK(ten.median_delay() <= 170);
  CHECK(ten.at_top <= kRollouts / 40);
}

TEST_CASE("what lies within the tolerance of a ratio is not taken back, what lies beyond is") {
  CHECK(tally({"p95 +20 %", 0, 1, 1.2}).rolled_back <= kRollouts / 50);
  Tally doubled = tally({"p95 +100 %", 0, 1, 2});
  CHECK(doubled.rolled_back == kRollouts);
  CHECK(doubled.median_delay() <= 60);
  Tally tripled = tally({"p95 +200 %", 0, 1, 3});
  CHECK(tripled.rolled_back == kRollouts);
  CHECK(tripled.median_delay() <= 25);
  Tally auth = tally({"auth errors x5", 0, 5});
  CHECK(auth.at_top <= kRollouts / 4);
}

TEST_CASE("the same seed ends the same") {
  const Outcome one = roll_out({"-20", 20}, kSome, "this engine", 7);
  const Outcome other = roll_out({"-20", 20}, kSome, "this engine", 7);
  CHECK(one.canary_runs == other.canary_runs);
  CHECK(one.days == other.days);
}
