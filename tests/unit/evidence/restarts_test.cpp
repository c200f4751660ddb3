#include "dagloop/evidence/restarts.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "../../support/fault_every.hpp"
#include "dagloop/evidence/rate_evidence.hpp"

using namespace dagloop;

namespace {

using std::chrono::days;
using std::chrono::hours;

const TimePoint kBegin = TimePoint() + days(20'000);

RateHypothesis usual_bets() { return {.alternatives = {{2.0, 0.25}, {3.5, 0.55}, {8.0, 0.2}}}; }

ArmCounts draw_arm(std::mt19937_64& dice, std::uint64_t trials, double rate) {
  std::uint64_t events = 0;
  for (std::uint64_t i = 0; i < trials; ++i) {
    events += static_cast<double>(dice() >> 11) * 0x1p-53 < rate ? 1U : 0U;
  }
  return {trials, events};
}

/// The slow twin: every start's bets by themselves, each an e-process that is added up at the end.
struct EachStart {
  RateHypothesis hypothesis = usual_bets();
  struct Bets {
    double stake = 0;
    RateEvidence gains;  // from one start on, all of the stake at once
  };
  std::vector<Bets> starts;
  ArmCounts expectation;
  std::uint64_t trials_since = 0;
  double given = 0;
  TimePoint first;

  void add(const StepCounts& block) {
    const bool is_due = starts.empty() || trials_since >= 25;
    if (starts.empty()) first = block.start;
    if (is_due) {
      const double all = starts.empty() ? 0.6 : hypothesis.starts.given_out(block.start - first);
      RateEvidence gains;
      gains.expectation = expectation;
      starts.push_back({all - given, gains});
      given = all;
      trials_since = 0;
    }
    RateHypothesis at_once = hypothesis;
    at_once.starts = {.first = 1, .over_month = 0};
    for (Bets& each : starts) each.gains.add(block, at_once);
    trials_since += block.counts.subject.trials;
    expectation += block.counts.reference;
  }

  double log_e(std::size_t at) const {
    double sum = 1 - given;
    for (const Bets& each : starts) {
      for (std::size_t i = 0; i < hypothesis.alternatives.size(); ++i) {
        sum +=
            hypothesis.alternatives[i].share * each.stake * std::exp(each.gains.log_wealth[i][at]);
      }
    }
    return std::log(sum);
  }
};

/// The rate of 28 days in blocks of half an hour, five runs of the subject and twelve.
template <typename Rate>
RateEvidence month_of(std::uint64_t seed, const Rate& rate) {
  std::mt19937_64 dice(seed);
  RateEvidence evidence;
  evidence.expectation = {100, 10};
  for (int step = 0; step < 28 * 48; ++step) {
    const double usual = 0.1 + 0.08 * std::sin(step / 7.6);  // what is usual moves all day
    evidence.add({.counts = {draw_arm(dice, 5, rate(step, usual)), draw_arm(dice, 15, usual)},
                  .start = kBegin + step * std::chrono::minutes(30)},
                 usual_bets());
  }
  return evidence;
}

/// Returns after how many of the subject's runs since `onset` the evidence passed `needed`.
std::uint64_t found_after_onset(std::uint64_t seed, Microseconds onset, double drop,
                                double needed) {
  std::mt19937_64 dice(seed);
  RateEvidence evidence;
  evidence.expectation = {100, 10};
  std::uint64_t runs = 0;
  for (int step = 0; runs < 5000; ++step) {
    const Microseconds elapsed = step * std::chrono::minutes(20);
    const bool is_broken = elapsed >= onset;
    const std::uint64_t subjects = 2;
    if (is_broken) runs += subjects;
    evidence.add(
        {.counts = {draw_arm(dice, subjects, is_broken ? 0.1 + drop : 0.1), draw_arm(dice, 5, 0.1)},
         .start = kBegin + elapsed},
        usual_bets());
    if (evidence.greatest_log_e_at(1) >= std::log(needed)) return runs;
  }
  return 0;
}

std::uint64_t median_found(Microseconds onset, double drop) {
  std::vector<std::uint64_t> found;
  for (std::uint64_t seed = 1; seed <= 41; ++seed) {
    found.push_back(found_after_onset(seed, onset, drop, 1 / 0.0045));
    CHECK(found.back() > 0);
  }
  std::sort(found.begin(), found.end());
  return found[found.size() / 2];
}

}  // namespace

TEST_CASE("the stake is given out once: some at first, half of the rest in 28 days, and so on") {
  const StartPlan plan;
  CHECK(plan.given_out({}) == 0.6);
  CHECK(plan.given_out(days(14)) == Approx(0.7));
  CHECK(plan.given_out(days(28)) == Approx(0.8));
  CHECK(plan.given_out(days(56)) == Approx(0.9));
  CHECK(plan.given_out(days(28'000)) <= 1);
  const StartPlan canaries{.first = 0.2, .over_month = 0.4};
  CHECK(canaries.given_out(days(28)) == Approx(0.6));
}

TEST_CASE("a start is due after so many trials, and takes what time has given since the last") {
  const StartPlan plan;
  Starts starts;
  CHECK(starts.take(plan, kBegin) == 0.6);
  CHECK(starts.take(plan, kBegin + days(1)) == 0);
  starts.trials_since = 24;
  CHECK(starts.take(plan, kBegin + days(2)) == 0);
  starts.trials_since = 25;
  CHECK(starts.take(plan, kBegin + days(7)) == Approx(0.05));
  CHECK(starts.trials_since == 0);
  CHECK(starts.unspent == Approx(0.35));
  starts.trials_since = 25;
  CHECK(starts.take(plan, kBegin + days(7)) == Approx(0).margin(1e-15));
}

TEST_CASE("with restarts the evidence is the sum over all starts, at each discount") {
  std::mt19937_64 dice(5);
  RateEvidence evidence;
  EachStart twin;
  for (int step = 0; step < 400; ++step) {
    const double rate = step < 200 ? 0.1 : 0.2;
    const StepCounts block{{draw_arm(dice, 1 + dice() % 9, rate), draw_arm(dice, 20, 0.1)},
                           kBegin + step * hours(3)};
    evidence.add(block, twin.hypothesis);
    twin.add(block);
    for (const std::size_t at : {0U, 4U, 8U, 24U}) {
      REQUIRE(evidence.log_e(twin.hypothesis, discount(at)) ==
              Approx(twin.log_e(at)).epsilon(1e-9).margin(1e-9));
    }
  }
  CHECK(twin.starts.size() > 50);
  CHECK(evidence.greatest_log_e_at(1) > 5);
}

TEST_CASE("in 28 days a policy that is no worse is blamed less often than alpha") {
  constexpr double kBlamed = 0.05;
  int blamed = 0;
  int rollouts = 0;
  for (std::uint64_t seed = 1; seed <= 600; seed += test::fault_every()) {
    const RateEvidence month = month_of(seed, [](int, double usual) { return usual; });
    if (month.greatest_log_e_at(1) >= std::log(1 / kBlamed)) ++blamed;
    ++rollouts;
  }
  CAPTURE(blamed);
  CHECK(blamed <= rollouts * kBlamed);
}

TEST_CASE("what breaks after a week is found within twice the runs of what breaks at once") {
  const std::uint64_t at_once = median_found({}, 0.2);
  const std::uint64_t late = median_found(hours(178), 0.2);
  CAPTURE(at_once, late);
  CHECK(at_once <= 75);
  CHECK(late <= 2 * at_once + 10);
  CHECK(median_found({}, 0.5) <= 30);
  CHECK(median_found({}, 0.1) <= 250);
}

TEST_CASE("steps of the same runs give the same evidence however they are cut by a tick") {
  std::mt19937_64 dice(3);
  RateEvidence by_one;
  RateEvidence with_stops;
  for (int step = 0; step < 100; ++step) {
    const StepCounts each{{draw_arm(dice, dice() % 3, 0.2), draw_arm(dice, dice() % 9, 0.1)},
                          kBegin + step * hours(1)};
    by_one.add(each, usual_bets());
    const RateEvidence stored = with_stops;  // what a tick adds to a copy is not kept
    RateEvidence looked_at = stored;
    looked_at.add(each, usual_bets());
    with_stops = stored;
    with_stops.add(each, usual_bets());
  }
  CHECK(by_one == with_stops);
}

TEST_CASE(
    "between two discounts evidence is read by their inverses, beyond the grid there is none") {
  const auto log_at = [](std::size_t at) { return 12 / discount(at); };
  CHECK(log_at_effect(1, log_at) == 12);
  CHECK(log_at_effect(2, log_at) == 6);
  CHECK(log_at_effect(3, log_at) == Approx(4));  // one product: exact
  CHECK(log_at_effect(64, log_at) == Approx(12 / 64.0));
  CHECK(log_at_effect(64.1, log_at) == 0);
  CHECK(next_discount(1.01) == Approx(std::exp2(0.25)));
  CHECK(next_discount(2) == 2);
  CHECK(next_discount(100) == 100);
}
