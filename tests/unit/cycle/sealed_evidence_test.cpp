// Evidence with records that come late, and of steps that began cold.
#include <algorithm>
#include <catch2/catch.hpp>

#include "../../support/make_quality.hpp"
#include "../../support/rollout_generator.hpp"
#include "../../support/scripted_source.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/cycle/assessment.hpp"
#include "evaluation_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr TimePoint kStep = kAsOf - hours(12);  // the policy in force began

struct LateRun {
  TimePoint ended;
  TimePoint arrives;
  Cohort cohort = Cohort::control;
  bool has_failed = false;
};

/// A rollout of 30 %, of whose runs after the step most come late.
struct LateWorld {
  explicit LateWorld(std::uint64_t seed) {
    Random random(seed);
    for (TimePoint at = kStep - hours(48); at < kAsOf; at += minutes(1 + random.below(4))) {
      const Microseconds late = at < kStep ? minutes(0) : minutes(random.below(60));
      runs.push_back({at, at + late, random.chance(0.3) ? Cohort::canary : Cohort::control,
                      random.chance(0.2)});
    }
  }

  Assessment assess_at(TimePoint now, const Evidence& kept, Microseconds late) const {
    ScriptedSource source;
    for (const LateRun& run : runs) {
      if ((late > minutes(0) ? run.arrives : run.ended) > now) continue;
      source.add(run.ended, make_runs(1, run.has_failed ? 0 : 1), run.cohort);
    }
    const FixedClock clock(now);
    PolicyHistory history;
    history.in_force_since = kStep;
    return assess(
        {config, {}, {}}, {{{"DAG_ROLLOUT_PERCENT", "30"}}, "", history, kept, now},
        [&](const EvaluationRequest& request) { return evaluate(source, request, config, clock); });
  }

  std::uint64_t counted(TimePoint until) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(runs, [&](const LateRun& run) {
      return floor_to_slot(run.ended) >= kStep + config.decision.warmup && run.ended < until;
    }));
  }

  std::vector<LateRun> runs;
  Config config;
};

std::uint64_t trials(const Evidence& evidence, std::string_view test = "success_drop") {
  const Block& total = evidence.tests.find(test)->second.total;
  return total.subject.trials + total.reference.trials;
}

News news_at(const std::vector<TimePoint>& ended, const NewsRequest& asked,
             CutCost cost = CutCost::nothing) {
  EvaluationWorld world;
  world.source.set_cut_cost(cost);
  for (const TimePoint at : ended) world.source.add(at, make_runs(1, 0), Cohort::canary);
  EvaluationRequest request{kAsOf, hours(24), {BaselineKind::automatic, {}}, std::nullopt};
  request.news = asked;
  return world.run(request).news;
}

}  // namespace

TEST_CASE("whenever it is looked at, and however late records come, the same is sealed") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    const LateWorld world(seed);
    // All records are there, and one look is at the end: what there is to count.
    const Evidence once = world.assess_at(kAsOf, {}, minutes(0)).evidence.sealed;
    CHECK(once.until == kAsOf - hours(1));
    CHECK(trials(once) == world.counted(kAsOf - hours(1)));
    Random random(seed + 100);
    Evidence kept;
    for (TimePoint now = kStep + minutes(3); now < kAsOf; now += minutes(1 + random.below(150))) {
      kept = world.assess_at(now, kept, minutes(60)).evidence.sealed;
      REQUIRE(kept.until <= std::max(kStep, now - hours(1)));
    }
    kept = world.assess_at(kAsOf, kept, minutes(60)).evidence.sealed;
    CHECK(kept == once);
  }
}

TEST_CASE("what is not sealed is decided on, and counted anew at the next look") {
  const LateWorld world(7);
  const Assessment first = world.assess_at(kAsOf - minutes(30), {}, minutes(60));
  CHECK(first.evidence.all.until == kAsOf - minutes(30));
  CHECK(first.evidence.sealed.until == kAsOf - minutes(90));
  CHECK(trials(first.evidence.all) > trials(first.evidence.sealed));
  const Assessment second =
      world.assess_at(kAsOf - minutes(20), first.evidence.sealed, minutes(60));
  // Nothing that was counted is lost, nothing is in it twice.
  CHECK(trials(second.evidence.all) >= trials(first.evidence.all));
  CHECK(trials(second.evidence.all) <= world.counted(kAsOf - minutes(20)));
  const Assessment on_time = world.assess_at(kAsOf, second.evidence.sealed, minutes(0));
  CHECK(trials(on_time.evidence.all) == world.counted(kAsOf));
}

TEST_CASE("two looks at one time decide the same, and seal the same") {
  const LateWorld world(8);
  const Assessment first = world.assess_at(kAsOf, {}, minutes(60));
  const Assessment again = world.assess_at(kAsOf, first.evidence.sealed, minutes(60));
  CHECK(again.evidence.sealed == first.evidence.sealed);
  CHECK(again.evidence.all == first.evidence.all);
}

TEST_CASE("news are counted slot by slot, and the whole is what the steps have together") {
  const News news = news_at({kAsOf - minutes(1), kAsOf - minutes(2), kAsOf - minutes(50)},
                            {kAsOf - hours(4), kAsOf - hours(1), kAsOf, {}});
  REQUIRE(news.steps.size() == 12);
  std::uint64_t canary = 0;
  TimePoint end = news.window.start;
  for (const NewsStep& step : news.steps) {
    CHECK(step.window == Window{end, end + kSlot});
    end = step.window.end;
    canary += step.canary.runs;
    CHECK(step.all == ArmFigures());  // nothing is held against it
    CHECK(step.cold_canary == ColdRuns());
  }
  CHECK(end == kAsOf);
  CHECK(news.steps.back().canary.runs == 2);
  CHECK(news.steps[2].canary.failed == 1);
  CHECK(canary == news.canary.runs);
  CHECK(news.all.runs == 15);
}

TEST_CASE("a step is held against the same hours of the day before the rollout") {
  NewsRequest asked{kAsOf - hours(4), kAsOf - hours(1), kAsOf, {}};
  asked.before = NewsRequest::Before::count;
  const News news = news_at({}, asked);
  CHECK(news.before.runs == 12);
  for (const NewsStep& step : news.steps) {
    CHECK(step.all.runs == 1);
    CHECK(step.before.runs == 1);
    CHECK(step.control == ArmFigures());
  }
}

TEST_CASE("where cuts cost something, what is older than two hours is counted by the hour") {
  NewsRequest asked{kAsOf - hours(6), kAsOf - hours(5) - minutes(10), kAsOf - minutes(175), {}};
  asked.before = NewsRequest::Before::count;
  asked.warmup = {kAsOf - hours(4) + minutes(7), std::nullopt, minutes(0)};
  const News news = news_at({}, asked, CutCost::each_row);
  std::vector<Microseconds> ends;
  std::uint64_t runs = 0;
  for (const NewsStep& step : news.steps) {
    ends.push_back(kAsOf - step.window.end);
    runs += step.all.runs;
  }
  // Also where the sealed part ends, and where the policy changed.
  const std::vector<Microseconds> coarse{hours(5), hours(4),     minutes(235),
                                         hours(3), minutes(175), hours(2)};
  REQUIRE(ends.size() == coarse.size() + 24);
  CHECK(std::equal(coarse.begin(), coarse.end(), ends.begin()));
  CHECK(runs == news.all.runs);
  CHECK(runs == 61);  // of the slot in which the policy changed none is warm
}

TEST_CASE("where there was no run before, what is slow is told by control") {
  ScriptedSource source;
  source.add(kAsOf - minutes(30), make_runs(20, 20, 500), Cohort::control);
  source.add(kAsOf - minutes(30), make_runs(3, 3, 2000), Cohort::canary);
  EvaluationRequest request{kAsOf, hours(24), {BaselineKind::automatic, {}}, std::nullopt};
  request.news = NewsRequest{kAsOf - hours(1), kAsOf - hours(1), kAsOf, {}};
  const News news = evaluate(source, request, Config(), FixedClock(kAsOf)).news;
  REQUIRE(news.limits.usual);
  CHECK(news.limits.usual == DurationHistogram::bucket_middle(500));
  CHECK(news.canary.slow == 3);
  CHECK(news.control.slow == 0);
}

TEST_CASE("runs that began in the warm-up are counted as cold, on both sides") {
  EvaluationWorld world;
  const auto add = [&](TimePoint ended, int age, Cohort cohort, std::uint64_t failed) {
    world.source.add_aged(ended, make_runs(2, 2 - failed), cohort,
                          AgeClass(static_cast<std::uint8_t>(age)));
  };
  add(kAsOf - minutes(58), 0, Cohort::canary, 2);  // of the warm-up
  add(kAsOf - minutes(28), 0, Cohort::canary, 0);  // after it
  add(kAsOf - minutes(28), 1, Cohort::canary, 1);  // ends after it
  add(kAsOf - minutes(58), 0, Cohort::control, 1);
  add(kAsOf - minutes(8), 1, Cohort::control, 0);
  add(kAsOf - minutes(63), 0, Cohort::canary, 1);  // of the policy before
  EvaluationRequest request{kAsOf, hours(24), {BaselineKind::automatic, {}}, kAsOf - hours(1)};
  request.warmup = minutes(30);
  request.news = NewsRequest{kAsOf - hours(2), kAsOf - hours(2), kAsOf, {}};
  request.news->warmup = {kAsOf - hours(1), std::nullopt, minutes(30)};
  const Quality quality = world.run(request);
  const News& news = quality.news;
  CHECK(news.canary.runs == 4);
  CHECK(news.canary.failed == 1);
  CHECK(news.control.runs == 2);
  ColdRuns canary;
  ColdRuns control;
  for (const NewsStep& step : news.steps) {
    canary.runs += step.cold_canary.runs;
    canary.failed += step.cold_canary.failed;
    control.runs += step.cold_control.runs;
    control.failed += step.cold_control.failed;
  }
  CHECK(canary == ColdRuns{4, 3});
  CHECK(control == ColdRuns{2, 1});
  // The figures that triggers compare: the same runs, against what was before the step.
  CHECK(quality.current.window == Window{kAsOf - minutes(30), kAsOf});
  CHECK(quality.current.population(Population::dag).cohort(Cohort::canary)->total_runs == 2);
  CHECK(quality.baseline->window.end == kAsOf - hours(1));
}

TEST_CASE("in the warm-up the window is empty, and lines are told since the change") {
  EvaluationWorld world;
  EvaluationRequest request{kAsOf, hours(24), {BaselineKind::automatic, {}}, kAsOf - minutes(10)};
  request.warmup = minutes(30);
  const Quality quality = world.run(request);
  CHECK(quality.current.window == Window{kAsOf, kAsOf});
  CHECK(quality.current.population(Population::dag).total_runs == 0);
  CHECK(quality.baseline->window == Window{kAsOf - hours(24) - minutes(10), kAsOf - minutes(10)});
  CHECK(world.source.queries().front().window == Window{kAsOf - minutes(10), kAsOf});
}

TEST_CASE("an overdue run is cold when it was last heard of in the warm-up") {
  EvaluationWorld world;
  world.config.input.overdue_after = minutes(20);
  for (const int ago : {59, 31, 29}) {
    KpiPartial open;
    open.in_flight = 1;
    open.open_runs = {kAsOf - minutes(ago)};
    world.source.add(kAsOf - minutes(ago), open, Cohort::canary);
  }
  EvaluationRequest request{kAsOf, hours(24), {BaselineKind::automatic, {}}, kAsOf - hours(1)};
  request.news = NewsRequest{kAsOf - hours(1), kAsOf - hours(1), kAsOf, {}};
  request.news->warmup = {kAsOf - hours(1), std::nullopt, minutes(30)};
  const News news = world.run(request).news;
  CHECK(news.canary.overdue == 1);
  CHECK(news.canary.failed == 1);
  std::uint64_t cold = 0;
  for (const NewsStep& step : news.steps) cold += step.cold_canary.failed;
  CHECK(cold == 2);
}

TEST_CASE("what ended before a change is warm by the change before it") {
  const WarmUp warmup{kAsOf - hours(1) + minutes(2), kAsOf - hours(9), minutes(30)};
  const auto parts = warmup.parts({kAsOf - hours(10), kAsOf});
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].window == Window{kAsOf - hours(10), kAsOf - hours(9)});
  CHECK_FALSE(parts[0].begun_from);
  CHECK(parts[1].window == Window{kAsOf - hours(9), kAsOf - hours(1)});
  CHECK(parts[1].begun_from == kAsOf - hours(9) + minutes(30));
  CHECK(parts[2].window == Window{kAsOf - hours(1), kAsOf});
  CHECK(parts[2].begun_from == kAsOf - minutes(28));
  CHECK(warmup.is_cold({kAsOf - hours(1), kAsOf - minutes(30)}));
  CHECK_FALSE(warmup.is_cold({kAsOf - hours(1), kAsOf - minutes(25)}));
  CHECK_FALSE(warmup.is_cold({kAsOf - hours(10), kAsOf - hours(9)}));
  CHECK(WarmUp{}.parts({kAsOf, kAsOf + kSlot}).size() == 1);
}
