#include "dagloop/evidence/rate_evidence.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace dagloop;

namespace {

using Kind = RateHypothesis::Kind;

// All of the stake is bet at once: what a block gains is seen whole.
constexpr StartPlan kAtOnce{.first = 1, .over_month = 0};

RateHypothesis no_worse(double odds_ratio) {
  return {.alternatives = {{odds_ratio, 1.0}}, .starts = kAtOnce};
}

/// Against "its rate is at most `tolerated` times the reference's".
RateHypothesis tolerant(double tolerated, double odds_ratio) {
  return {.ratio = tolerated, .alternatives = {{odds_ratio, 1.0}}, .starts = kAtOnce};
}

RateHypothesis inferior(double margin) {
  return {.kind = Kind::worse_by_at_least,
          .margin = margin,
          .alternatives = {{1.0, 0.7}, {0.5, 0.3}},
          .starts = kAtOnce};
}

/// Evidence that expects 10 % of the reference: (0 + 1/2) / (4 + 1).
RateEvidence expecting_a_tenth() {
  RateEvidence evidence;
  evidence.expectation = {4, 0};
  return evidence;
}

double binomial(unsigned n, unsigned k, double p) {
  const double choose =
      std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0));
  return choose * std::pow(p, k) * std::pow(1 - p, n - k);
}

/// The e-value of one block, expected over everything that its trials can give.
double expected_e(const RateHypothesis& hypothesis, unsigned subjects, unsigned references,
                  double subject_rate, double reference_rate) {
  double sum = 0;
  for (unsigned a = 0; a <= subjects; ++a) {
    for (unsigned b = 0; b <= references; ++b) {
      RateEvidence evidence = expecting_a_tenth();
      evidence.add({{{subjects, a}, {references, b}}}, hypothesis);
      sum += std::exp(evidence.log_e(hypothesis)) * binomial(subjects, a, subject_rate) *
             binomial(references, b, reference_rate);
    }
  }
  return sum;
}

ArmCounts draw(std::mt19937_64& dice, std::uint64_t trials, double rate) {
  std::uint64_t events = 0;
  for (std::uint64_t i = 0; i < trials; ++i) {
    events += static_cast<double>(dice() >> 11) * 0x1p-53 < rate ? 1U : 0U;
  }
  return {trials, events};
}

}  // namespace

TEST_CASE("a block's e-value is the likelihood ratio to the closest rates of the hypothesis") {
  RateEvidence evidence = expecting_a_tenth();
  const RateHypothesis hypothesis = no_worse(2.25);  // 20 % where the reference has 10 %
  evidence.add({{{10, 4}, {90, 9}}}, hypothesis);
  // By hand, in Python: (.2/.11)^4 (.8/.89)^6 (.1/.11)^9 (.9/.89)^81.
  CHECK(std::exp(evidence.log_e(hypothesis)) == Approx(6.043209970720772).epsilon(1e-9));
  RateEvidence other = expecting_a_tenth();
  const RateHypothesis equal{.kind = Kind::worse_by_at_least,
                             .margin = 0.1,
                             .alternatives = {{1.0, 1.0}},
                             .starts = kAtOnce};
  other.add({{{10, 1}, {90, 9}}}, equal);
  // By hand: the closest rates 10 points apart are found by trying a million.
  CHECK(std::exp(other.log_e(equal)) == Approx(1.4172736028570625).epsilon(1e-5));
}

TEST_CASE("where the hypothesis holds no block is expected to gain, whatever its size and rates") {
  for (const auto& [subjects, references] :
       std::vector<std::pair<unsigned, unsigned>>{{2, 18}, {8, 12}, {3, 27}, {19, 1}}) {
    for (const double reference : {0.01, 0.1, 0.3, 0.8}) {
      for (const double better_by : {0.0, 0.005, 0.2}) {
        const double subject = std::max(0.0, reference - better_by);
        CAPTURE(subjects, references, reference, subject);
        for (const double ratio : {2.0, 3.5, 8.0}) {
          CHECK(expected_e(no_worse(ratio), subjects, references, subject, reference) <= 1 + 1e-9);
        }
      }
      for (const double worse_by : {0.1, 0.15}) {
        if (reference + worse_by > 1) continue;
        CAPTURE(subjects, references, reference, worse_by);
        CHECK(expected_e(inferior(0.1), subjects, references, reference + worse_by, reference) <=
              1 + 1e-9);
      }
    }
  }
}

TEST_CASE("within a tolerated ratio of rates no block is expected to gain, and beyond it does") {
  for (const auto& [subjects, references] :
       std::vector<std::pair<unsigned, unsigned>>{{2, 18}, {8, 12}, {3, 27}, {19, 1}}) {
    for (const double reference : {0.0, 0.01, 0.1, 0.3, 0.6}) {
      for (const double ratio : {1.1, std::sqrt(2.0), 3.0}) {
        for (const double of_it : {0.0, 0.5, 1.0}) {
          const double subject = std::min(1.0, of_it * ratio * reference);
          CAPTURE(subjects, references, reference, ratio, subject);
          for (const double odds : {1.2, 3.5, 12.0, 90.0}) {
            CHECK(expected_e(tolerant(ratio, odds), subjects, references, subject, reference) <=
                  1 + 1e-9);
          }
        }
      }
    }
  }
  CHECK(expected_e(tolerant(std::sqrt(2.0), 5), 2, 18, 0.4, 0.1) > 1.1);
  // A ratio of 1 is no tolerance at all, by whichever formula.
  RateEvidence one = expecting_a_tenth();
  one.add({{{10, 4}, {90, 9}}}, no_worse(2.25));
  RateEvidence nearly = expecting_a_tenth();
  nearly.add({{{10, 4}, {90, 9}}}, tolerant(1 + 1e-12, 2.25));
  CHECK(nearly.log_e(tolerant(1 + 1e-12, 2.25)) == Approx(one.log_e(no_worse(2.25))));
}

TEST_CASE("where the hypothesis does not hold a block is expected to gain") {
  CHECK(expected_e(no_worse(3.5), 2, 18, 0.3, 0.1) > 1.1);
  CHECK(expected_e(inferior(0.1), 3, 27, 0.1, 0.1) > 1.02);
}

TEST_CASE("clusters that hang together altogether are no more evidence than one trial each") {
  // Three attempts a run that all fail, or none: a block of three runs and six.
  const RateHypothesis hypothesis = no_worse(3.5);
  double sum = 0;
  for (unsigned a = 0; a <= 3; ++a) {
    for (unsigned b = 0; b <= 6; ++b) {
      RateEvidence evidence = expecting_a_tenth();
      evidence.add({{{9, 3 * a}, {18, 3 * b}}}, hypothesis);
      sum += std::exp(evidence.log_e(hypothesis, 3)) * binomial(3, a, 0.25) * binomial(6, b, 0.25);
    }
  }
  CHECK(sum <= 1 + 1e-9);
}

TEST_CASE(
    "however often it is looked at, a policy that is no worse is blamed less often than alpha") {
  const RateHypothesis hypothesis{.alternatives = {{2, 0.34}, {3.5, 0.33}, {8, 0.33}}};
  constexpr int kRollouts = 2000;
  constexpr double kBlamedAtMost = 0.05;
  int blamed = 0;
  std::mt19937_64 dice(20260101);
  for (int rollout = 0; rollout < kRollouts; ++rollout) {
    RateEvidence evidence;
    for (int look = 0; look < 300; ++look) {
      const double rate = 0.1 + 0.08 * std::sin(look / 15.0);  // what is usual moves all day
      evidence.add({{draw(dice, dice() % 3, rate), draw(dice, 9, rate)}}, hypothesis);
    }
    if (evidence.greatest_log_e_at(1) >= std::log(1 / kBlamedAtMost)) ++blamed;
  }
  CAPTURE(blamed);
  CHECK(blamed <= kRollouts * kBlamedAtMost);
  CHECK(blamed > 0);  // it is not for want of power
}

TEST_CASE("a block waits until both sides were seen, and counts all of it") {
  const RateHypothesis hypothesis = no_worse(2);
  RateEvidence evidence = expecting_a_tenth();
  evidence.add({{{}, {15, 1}}}, hypothesis);
  evidence.add({{{}, {14, 0}}}, hypothesis);
  CHECK(evidence.log_wealth.empty());
  evidence.add({{{1, 1}, {}}}, hypothesis);
  RateEvidence at_once = expecting_a_tenth();
  at_once.add({{{1, 1}, {29, 1}}}, hypothesis);
  CHECK(evidence == at_once);
}

TEST_CASE("what other bets have won counts no more, and is not read past its end") {
  RateEvidence evidence = expecting_a_tenth();
  evidence.add({{{10, 4}, {90, 9}}}, no_worse(2.25));
  REQUIRE(evidence.greatest_log_e_at(1) > 1);
  CHECK(evidence.log_e(inferior(0.1)) == 0);
  RateEvidence anew = evidence;
  anew.add({{{10, 1}, {90, 9}}}, inferior(0.1));
  CHECK(anew.log_wealth.size() == 2);
  CHECK(anew.greatest_log_e_at(1) < 1);
  CHECK(anew.total == Block{{20, 5}, {180, 18}});
}

TEST_CASE("a block waits for twenty trials of both sides together") {
  const RateHypothesis hypothesis = no_worse(2);
  RateEvidence evidence = expecting_a_tenth();
  evidence.add({{{2, 1}, {17, 2}}}, hypothesis);
  CHECK(evidence.log_wealth.empty());
  CHECK(evidence.total == Block{{2, 1}, {17, 2}});
  evidence.add({{{}, {1, 0}}}, hypothesis);
  CHECK(evidence.log_wealth.size() == 1);
  CHECK(evidence.open == StepCounts());
}

TEST_CASE("a bet may rest on a rate of its own, and is valid whatever the rates are") {
  const RateHypothesis hypothesis{.kind = Kind::worse_by_at_least,
                                  .margin = 0.1,
                                  .alternatives = {{1.0, 0.5, {}}, {1.0, 0.5, 0.3}},
                                  .starts = kAtOnce};
  for (const double reference : {0.01, 0.1, 0.3, 0.8}) {
    CHECK(expected_e(hypothesis, 4, 16, reference + 0.1, reference) <= 1 + 1e-9);
  }
  // Where a tenth was expected, and it is three tenths.
  RateEvidence evidence = expecting_a_tenth();
  evidence.add({{{200, 60}, {200, 60}}}, hypothesis);
  RateEvidence by_the_tenth = expecting_a_tenth();
  by_the_tenth.add({{{200, 60}, {200, 60}}}, inferior(0.1));
  CHECK(evidence.log_e(hypothesis) > 1);
  CHECK(by_the_tenth.log_e(inferior(0.1)) < -1);
}

TEST_CASE("against a given rate the subject alone counts") {
  RateHypothesis hypothesis = no_worse(2);
  hypothesis.given_rate = 0.05;
  RateEvidence evidence;
  evidence.add({{{20, 4}, {}}}, hypothesis);
  const double twice = 2 * (0.05 / 0.95) / (1 + 2 * (0.05 / 0.95));
  CHECK(evidence.log_e(hypothesis) ==
        Approx(4 * std::log(twice / 0.05) + 16 * std::log((1 - twice) / 0.95)));
}

TEST_CASE("the growth that is foretold is the one that comes") {
  const RateHypothesis hypothesis = no_worse(3.5);
  RateEvidence evidence;
  evidence.expectation = {1000, 100};
  std::mt19937_64 dice(7);
  for (int block = 0; block < 8000; ++block) {
    evidence.add({{draw(dice, 1, 0.28), draw(dice, 9, 0.1)}}, hypothesis);
  }
  const auto rate = [](const ArmCounts& counts) {
    return static_cast<double>(counts.events) / static_cast<double>(counts.trials);
  };
  const ExpectedRates rates{rate(evidence.total.subject), rate(evidence.total.reference), 9};
  CHECK(evidence.log_e(hypothesis) / 8000 ==
        Approx(expected_growths(hypothesis, rates).front()).epsilon(0.03));
  CHECK(expected_growths(hypothesis, {0.1, 0.1, 9}).front() < 0);
}

TEST_CASE("the trials that are foretold are those of all bets and of the stake that they have") {
  const RateHypothesis hypothesis{.alternatives = {{2.0, 0.25}, {3.5, 0.55}, {8.0, 0.2}}};
  RateEvidence evidence;
  evidence.expectation = {100, 10};
  const auto more = evidence.trials_until(std::log(1000), 1, hypothesis, {0.4, 0.1, 9});
  REQUIRE(more);
  std::uint64_t trials = 0;
  while (evidence.log_e(hypothesis) < std::log(1000)) {
    evidence.add({{{10, 4}, {90, 9}}}, hypothesis);
    trials += 10;
  }
  CHECK(static_cast<double>(trials) == Approx(*more).margin(10));
  CHECK(*evidence.trials_until(std::log(1000), 1, hypothesis, {0.4, 0.1, 9}) ==
        Approx(0).margin(1e-3));
  CHECK_FALSE(evidence.trials_until(std::log(1e9), 1, hypothesis, {0.1, 0.1, 9}));
  // Before the first block the stakes add up to 1: no evidence is there for nothing.
  CHECK(*RateEvidence().trials_until(0.3, 1, hypothesis, {0.4, 0.1, 9}) > 1);
  // Runs that hang together say less.
  const auto discounted = RateEvidence().trials_until(std::log(1000), 4, hypothesis, {0.4, 0.1, 9});
  const auto plain = RateEvidence().trials_until(std::log(1000), 1, hypothesis, {0.4, 0.1, 9});
  REQUIRE(discounted);
  CHECK(*discounted == Approx(4 * *plain).epsilon(0.05));
}

TEST_CASE("the quick bound of the evidence holds, whatever happens and when bets begin again") {
  const RateHypothesis hypothesis{.alternatives = {{2.0, 0.25}, {3.5, 0.55}, {8.0, 0.2}}};
  std::mt19937_64 dice(11);
  for (const double rate : {0.02, 0.1, 0.3, 0.9}) {
    RateEvidence evidence;
    evidence.expectation = {100, 10};
    CHECK(evidence.log_e_bounds().front() == 0);
    for (int block = 0; block < 300; ++block) {
      evidence.add({{draw(dice, 10, rate), draw(dice, 30, 0.1)}}, hypothesis);
      const auto bounds = evidence.log_e_bounds();
      for (const std::size_t at : {std::size_t{0}, kDiscounts / 2, kDiscounts - 1}) {
        const double log_e = evidence.log_e(hypothesis, discount(at));
        CHECK(bounds[at] >= log_e - 1e-12);
        CHECK(evidence.greatest_log_e[at] >= log_e - 1e-12);
      }
    }
    CHECK((evidence.greatest_log_e.front() > 5) == (rate > 0.2));
  }
}
