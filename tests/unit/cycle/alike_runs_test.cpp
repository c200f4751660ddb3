// Figures and news among runs that are alike, from a log.
#include <catch2/catch.hpp>

#include "dagloop/cycle/rollout_evidence.hpp"
#include "evaluation_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

/// Runs of one plan source.
KpiPartial runs_of(const std::string& plan_source, std::uint64_t runs, std::uint64_t succeeded) {
  KpiPartial partial = make_runs(runs, succeeded);
  StratumPartial& alike = partial.strata[{"etl", plan_source}];
  alike.total_runs = runs;
  alike.succeeded = succeeded;
  alike.succeeded_unaided = succeeded;
  alike.latency = partial.latency;
  return partial;
}

/// A log of two plan sources: of control both, of the canary the hard one alone.
struct MixedWorld {
  MixedWorld() {
    for (int hour = 1; hour <= 48; ++hour) {
      const TimePoint at = kAsOf - hours(hour);
      const bool is_before = hour > 24;
      const Cohort control = is_before ? Cohort::none : Cohort::control;
      source.add(at, runs_of("rule", 60, 57), control);
      source.add(at, runs_of("llm", 20, 15), control);
      if (!is_before) source.add(at, runs_of("llm", 8, 6), Cohort::canary);
    }
  }
  Quality run(const EvaluationRequest& request) { return evaluate(source, request, config, clock); }
  ScriptedSource source;
  FixedClock clock{kAsOf + minutes(2)};
  Config config;
};

EvaluationRequest request_at(const std::optional<NewsRequest>& news = std::nullopt) {
  return {kAsOf, hours(24), {BaselineKind::automatic, {}}, {}, {}, news};
}

}  // namespace

TEST_CASE("the strata are those of the baseline window and of control, with what was usual") {
  MixedWorld world;
  const News news = world.run(request_at()).news;
  REQUIRE(news.strata);
  CHECK(*news.strata == StrataList{{"etl", "rule"}, {"etl", "llm"}});
  REQUIRE(news.usual.size() == 3);
  CHECK(news.usual[0].runs == 24 * 60);  // of the baseline window alone
  CHECK(news.usual[1].failed == 24 * 5);
  CHECK(news.usual[2].runs == 0);
}

TEST_CASE("canary and control are compared among runs of one plan source") {
  MixedWorld world;
  const auto found = world.run(request_at()).comparable;
  REQUIRE(found);
  CHECK(found->subject_name == "canary");
  CHECK(found->reference_name == "control");
  CHECK(found->share() == 1);
  CHECK(found->figures.at("pipeline_success_rate").subject == 0.75);
  CHECK(found->figures.at("pipeline_success_rate").reference == 0.75);
}

TEST_CASE("a log that names neither pipeline nor plan source has one stratum") {
  EvaluationWorld world;
  const Quality quality = world.run(request_at());
  CHECK_FALSE(quality.comparable);
  CHECK_FALSE(quality.news.strata);
}

TEST_CASE("news are counted by stratum, and sum to those of all") {
  MixedWorld world;
  NewsRequest news{kAsOf - hours(24), kAsOf - hours(24), kAsOf - hours(1), {}};
  const Quality quality = world.run(request_at(news));
  std::uint64_t canary = 0;
  std::uint64_t control = 0;
  for (const NewsStep& step : quality.news.steps) {
    std::uint64_t of_step = 0;
    for (const StratumNews& each : step.by_stratum) {
      if (each.stratum == 0) CHECK(each.canary.runs == 0);
      canary += each.canary.runs;
      of_step += each.control.runs;
    }
    CHECK(of_step == step.control.runs);
    control += of_step;
  }
  CHECK(canary == 24 * 8);
  CHECK(control == 24 * 80);
}

TEST_CASE("strata that are chosen stay, and what comes later is the rest") {
  MixedWorld world;
  NewsRequest news{kAsOf - hours(24), kAsOf - hours(24), kAsOf - hours(1), {}};
  news.strata = StrataList{{"etl", "rule"}};
  const Quality quality = world.run(request_at(news));
  CHECK(*quality.news.strata == *news.strata);
  CHECK(quality.news.usual.empty());
  CHECK(quality.news.by_stratum.back().stratum == 1);
  CHECK(quality.news.by_stratum.back().canary.runs == 24 * 8);
}

TEST_CASE("runs that became overdue count in their stratum") {
  MixedWorld world;
  KpiPartial hanging;
  hanging.in_flight = 5;
  hanging.open_runs.assign(5, kAsOf - hours(5) + minutes(1));
  hanging.strata[{"etl", "rule"}].open_runs = hanging.open_runs;
  world.source.add(kAsOf - hours(5), hanging, Cohort::canary);
  NewsRequest news{kAsOf - hours(24), kAsOf - hours(24), kAsOf - hours(1), {}};
  const Quality quality = world.run(request_at(news));
  const StratumNews& rule = quality.news.by_stratum.front();
  CHECK(rule.stratum == 0);
  CHECK(rule.canary.runs == 5);
  CHECK(rule.canary.failed == 5);
  CHECK(quality.comparable->figures.at("pipeline_success_rate").subject_trials == 24 * 8 + 5);
}

TEST_CASE("evidence keeps the strata of its first look, and finds no drop in a mix") {
  MixedWorld world;
  const PolicyValues values{{"DAG_ROLLOUT_PERCENT", "10"}};
  const EvidenceScope scope{values, kAsOf - hours(24), kAsOf, BaselineKind::automatic};
  const Evidence begun = evidence_to_go_on({}, scope, world.config);
  CHECK_FALSE(begun.strata);
  const NewsRequest asked = news_for(begun, BaselineKind::automatic, kAsOf, world.config);
  EvaluationRequest request = request_at(asked);
  request.not_before = kAsOf - hours(24);
  const Quality quality = world.run(request);
  const CollectedEvidence taken =
      take_news(begun, quality, BaselineKind::automatic, asked.sealed, world.config);
  REQUIRE(taken.sealed.strata);
  CHECK(news_for(taken.sealed, BaselineKind::automatic, kAsOf, world.config).strata ==
        taken.sealed.strata);
  const EvidenceView view = view_trigger(taken.all, "success_drop", {});
  CHECK(view.subject == ArmCounts{23 * 8, 23 * 2});  // those of the first hour are cold
  CHECK(view.e_value < 2);
  CHECK_FALSE(view.stretch);
}
