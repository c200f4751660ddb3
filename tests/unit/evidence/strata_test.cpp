// Evidence stratum by stratum.
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "dagloop/evidence/evidence.hpp"

namespace dagloop {
namespace {

constexpr StartPlan kAllAtOnce{.first = 1, .over_month = 0};

RateHypothesis no_worse_by_strata() { return {.alternatives = {{3.5, 1.0}}, .starts = kAllAtOnce}; }

StepCounts strata_step(std::vector<StratumCounts> strata) {
  StepCounts step;
  for (const StratumCounts& each : strata) step.counts += each.counts;
  step.strata = std::move(strata);
  return step;
}

double chance_of(unsigned n, unsigned k, double p) {
  const double choose =
      std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0));
  return choose * std::pow(p, k) * std::pow(1 - p, n - k);
}

std::uint64_t draw_events(std::mt19937_64& dice, std::uint64_t trials, double rate) {
  std::uint64_t events = 0;
  for (std::uint64_t i = 0; i < trials; ++i) {
    events += static_cast<double>(dice() >> 11) * 0x1p-53 < rate ? 1U : 0U;
  }
  return events;
}

ArmFigures some_runs(std::uint64_t runs, std::uint64_t failed) {
  ArmFigures figures;
  figures.runs = runs;
  figures.failed = failed;
  figures.aided = failed;
  return figures;
}

const TimePoint kRolloutBegin{std::chrono::hours(490000)};

/// A canary that has `hard_share` of hard runs (25 % fail), beside a control that has a quarter of
/// them; easy ones fail in 5 %. Of all its runs `more` fail besides.
class MixedRollout {
 public:
  MixedRollout(double hard_share, double more, unsigned seed)
      : hard_share_(hard_share), more_(more), dice_(seed) {
    evidence.percent = 10;
    evidence.since = kRolloutBegin;
    evidence.strata = StrataList{{"p", "rule"}, {"p", "llm"}};
    evidence.tests["success_drop"].expectation = {100, 10};
    expect_by_stratum(evidence, {some_runs(300, 15), some_runs(100, 25), {}});
  }

  // Returns after how many runs of the canary the drop is sure; 0: never.
  std::uint64_t runs_until_sure(int most_steps) {
    for (int i = 0; i < most_steps; ++i) {
      step(i);
      const EvidenceView view = view_trigger(evidence, "success_drop", {});
      if (view.decides()) return view.subject.trials;
    }
    return 0;
  }

  Evidence evidence;

 private:
  void step(int number) {
    NewsStep step;
    step.window = {kRolloutBegin + number * kSlot, kRolloutBegin + (number + 1) * kSlot};
    add(2, hard_share_, more_, &StratumNews::canary, step);
    add(18, 0.25, 0, &StratumNews::control, step);
    for (const StratumNews& each : step.by_stratum) {
      for (const auto& [from, to] :
           {std::pair(&each.canary, &step.canary), std::pair(&each.control, &step.control)}) {
        to->runs += from->runs;
        to->failed += from->failed;
        to->aided += from->aided;
      }
    }
    News news;
    news.window = step.window;
    news.steps = {step};
    news.strata = evidence.strata;
    add_news(evidence, news, EvidenceSides::canary_and_control, {});
  }

  void add(std::uint64_t runs, double hard_share, double more, ArmFigures StratumNews::*side,
           NewsStep& to) {
    const std::uint64_t hard = draw_events(dice_, runs, hard_share);
    to.by_stratum.resize(2);
    to.by_stratum[1].stratum = 1;
    to.by_stratum[0].*side = some_runs(runs - hard, draw_events(dice_, runs - hard, 0.05 + more));
    to.by_stratum[1].*side = some_runs(hard, draw_events(dice_, hard, 0.25 + more));
  }

  double hard_share_;
  double more_;
  std::mt19937_64 dice_;
};

}  // namespace

TEST_CASE("what a bet gains on strata is the product of their blocks") {
  const RateHypothesis hypothesis = no_worse_by_strata();
  RateEvidence both;
  both.expectation = {100, 10};
  both.by_stratum = {{0, {}, {100, 5}}, {1, {}, {100, 25}}};
  both.add(strata_step({{0, {{2, 1}, {18, 1}}, {}, {}}, {1, {{4, 2}, {16, 4}}, {}, {}}}),
           hypothesis);
  RateEvidence one;
  one.expectation = {100, 5};
  one.add({{{2, 1}, {18, 1}}}, hypothesis);
  RateEvidence other;
  other.expectation = {100, 25};
  other.add({{{4, 2}, {16, 4}}}, hypothesis);
  CHECK(both.log_e(hypothesis) ==
        Approx(one.log_e(hypothesis) + other.log_e(hypothesis)).epsilon(1e-9));
  CHECK(both.by_stratum[1].expectation == ArmCounts{116, 29});
  CHECK(both.open == StepCounts());
}

TEST_CASE("a stratum waits for both of its sides, and does not hold up the others") {
  const RateHypothesis hypothesis = no_worse_by_strata();
  RateEvidence evidence;
  evidence.add(strata_step({{0, {{3, 1}, {}}, {}, {}}, {1, {{1, 0}, {8, 1}}, {}, {}}}), hypothesis);
  CHECK(evidence.log_wealth.empty());  // nine trials of strata that have both
  evidence.add(strata_step({{1, {{1, 1}, {12, 1}}, {}, {}}}), hypothesis);
  CHECK_FALSE(evidence.log_wealth.empty());
  CHECK(evidence.starts.trials_since == 2);
  CHECK(evidence.open.counts == Block{{3, 1}, {}});
  evidence.add(strata_step({{0, {{}, {19, 1}}, {}, {}}}), hypothesis);
  CHECK(evidence.open == StepCounts());
  CHECK(evidence.total == Block{{5, 2}, {39, 3}});
}

TEST_CASE("two strata are expected to gain nothing while each is no worse, whatever their rates") {
  const RateHypothesis hypothesis = no_worse_by_strata();
  for (const auto& [easy, hard] : {std::pair(0.05, 0.5), {0.2, 0.2}, {0.6, 0.02}}) {
    double sum = 0;
    for (unsigned a = 0; a <= 2; ++a) {
      for (unsigned b = 0; b <= 5; ++b) {
        for (unsigned c = 0; c <= 6; ++c) {
          for (unsigned d = 0; d <= 7; ++d) {
            RateEvidence evidence;
            evidence.expectation = {100, 10};
            evidence.add(
                strata_step({{0, {{2, a}, {5, b}}, {}, {}}, {4, {{6, c}, {7, d}}, {}, {}}}),
                hypothesis);
            sum += std::exp(evidence.log_e(hypothesis)) * chance_of(2, a, easy) *
                   chance_of(5, b, easy) * chance_of(6, c, hard) * chance_of(7, d, hard);
          }
        }
      }
    }
    CAPTURE(easy, hard);
    CHECK(sum <= 1 + 1e-9);
  }
}

TEST_CASE("a canary that gets the hard runs only is not found worse, and one that is worse is") {
  int wrong = 0;
  std::vector<std::uint64_t> found;
  for (unsigned seed = 0; seed < 40; ++seed) {
    for (const double share : {1.0, 0.6}) {
      if (MixedRollout(share, 0, seed).runs_until_sure(400) > 0) ++wrong;
    }
    found.push_back(MixedRollout(1.0, 0.2, seed).runs_until_sure(400));
  }
  CHECK(wrong <= 1);
  std::sort(found.begin(), found.end());
  CHECK(found.front() > 0);
  CHECK(found[found.size() / 2] <= 120);
}

TEST_CASE("a drop in all strata is found about as early as in one") {
  std::vector<std::uint64_t> found;
  for (unsigned seed = 0; seed < 40; ++seed) {
    found.push_back(MixedRollout(0.25, 0.2, seed).runs_until_sure(400));
  }
  std::sort(found.begin(), found.end());
  CHECK(found.front() > 0);
  CHECK(found[found.size() / 2] <= 75);
}

TEST_CASE("the figure of a stretch is taken among runs that are alike") {
  MixedRollout rollout(1.0, 0.3, 7);
  rollout.runs_until_sure(200);
  const EvidenceView view = view_trigger(rollout.evidence, "success_drop", {});
  REQUIRE(view.stretch);
  REQUIRE(view.stretch->figure);
  CHECK(view.stretch->figure->subject - view.stretch->figure->reference ==
        Approx(0.3).margin(0.15));
  CHECK(view.stretch->figure->reference == Approx(0.25).margin(0.1));  // not the 10 % of all
}

TEST_CASE("in which stratum a user's runs were is not known: he counts where it says least") {
  RateEvidence evidence;
  evidence.by_stratum = {{0, {{20, 10}, {200, 10}}, {100, 5}},
                         {1, {{20, 10}, {200, 50}}, {100, 25}}};
  evidence.total = {{40, 20}, {400, 60}};
  Evidence all;
  all.percent = 10;
  all.tests["success_drop"] = evidence;
  for (std::uint64_t i = 0; i < 30; ++i) {
    const auto runs = i == 0 ? 10U : 1U;
    UserArm user{i * (1ULL << 50U)};
    user.runs = runs;
    user.failed = runs;
    all.subject_users.by_hash.push_back(user);
    user.hash += 1;
    user.failed = 0;
    all.reference_users.by_hash.push_back(user);
  }
  const EvidenceView view = view_trigger(all, "success_drop", {});
  REQUIRE(view.e_without_worst);
  const auto without_in = [&](std::size_t stratum) {
    StepCounts counts = evidence.all_counts();
    counts.strata[stratum].counts.subject = {10, 0};
    const RateHypothesis hypothesis{.alternatives = {{2.0, 0.25}, {3.5, 0.55}, {8.0, 0.2}}};
    return std::exp(evidence.log_e_of_block(counts, hypothesis, view.design_effect));
  };
  CHECK(*view.e_without_worst == Approx(std::min(without_in(0), without_in(1))).epsilon(1e-6));
}

TEST_CASE("a stratum that waits for its other side does not stop bets from beginning again") {
  const RateHypothesis hypothesis{.alternatives = {{3.5, 1.0}}};
  const auto three_weeks = [&](bool has_lonely) {
    RateEvidence evidence;
    evidence.expectation = {100, 10};
    for (int hour = 0; hour < 21 * 24; ++hour) {
      StepCounts step = strata_step({{1, {{10, 1}, {30, 3}}, {}, {}}});
      if (has_lonely && hour == 0) {
        step = strata_step({{0, {{}, {5, 1}}, {}, {}}, {1, {{10, 1}, {30, 3}}, {}, {}}});
      }
      step.start = kRolloutBegin + std::chrono::hours(hour);
      evidence.add(step, hypothesis);
    }
    return evidence;
  };
  const RateEvidence alone = three_weeks(false);
  CHECK(alone.starts.unspent < 0.6);
  CHECK(three_weeks(true).starts.unspent ==
        Catch::Detail::Approx(alone.starts.unspent).epsilon(0.01));
  CHECK(three_weeks(true).starts.last > kRolloutBegin + std::chrono::hours(20 * 24));
}

TEST_CASE("a stretch has what both sides have, and nothing that waits for its other side") {
  const RateHypothesis hypothesis = no_worse_by_strata();
  RateEvidence evidence;
  evidence.expectation = {100, 10};
  StepCounts step = strata_step({{0, {{4, 4}, {}}, {}, {}}, {1, {{6, 6}, {8, 0}}, {}, {}}});
  step.start = kRolloutBegin;
  CHECK_FALSE(evidence.add(step, hypothesis));
  const auto stretch = evidence.best_stretch(hypothesis);
  REQUIRE(stretch);
  CHECK(stretch->seen.counts == Block{{6, 6}, {8, 0}});
}

}  // namespace dagloop
