#include "dagloop/kpi/quality.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "dagloop/base/error.hpp"
#include "make_codes.hpp"
#include "make_record.hpp"

namespace dagloop {
namespace {

using test::at_minute;

const Window kWindow{at_minute(0), at_minute(60)};

KpiPartial& at(PartialSet& set, int minute, Population population, Cohort cohort) {
  return set.partials[{at_minute(minute), population, cohort}];
}

WindowKpis figures(const PartialSet& set) { return compute_window_kpis(set, kWindow); }

}  // namespace

TEST_CASE("both populations and all nine error classes are there when there are no runs") {
  const WindowKpis window = figures({});
  CHECK(window.window == kWindow);
  REQUIRE(window.populations.size() == 2);
  for (const auto& [population, figures] : window.populations) {
    CHECK(figures.total_runs == 0);
    CHECK(figures.kpis.all().size() == kpi_names().size());
    CHECK(figures.cohorts.empty());
    CHECK(figures.error_classes.size() == 9);
    for (const ErrorClass each : kErrorClasses) {
      CHECK(figures.error_classes.at(std::string(to_string(each))) == 0);
    }
  }
}

TEST_CASE("a window sums the slots inside it and never mixes populations") {
  PartialSet set;
  at(set, -5, Population::dag, Cohort::none).total_runs = 1000;
  at(set, 0, Population::dag, Cohort::canary).total_runs = 1;
  at(set, 5, Population::dag, Cohort::control).total_runs = 10;
  at(set, 55, Population::dag, Cohort::none).total_runs = 100;
  at(set, 55, Population::non_dag, Cohort::none).total_runs = 7;
  at(set, 60, Population::dag, Cohort::none).total_runs = 1000;
  const WindowKpis window = figures(set);
  const PopulationKpis& dag = window.population(Population::dag);
  CHECK(dag.total_runs == 111);
  CHECK(dag.cohort(Cohort::canary)->total_runs == 1);
  CHECK(dag.cohort(Cohort::control)->total_runs == 10);
  CHECK(dag.cohorts.size() == 2);
  CHECK(window.population(Population::non_dag).total_runs == 7);
}

TEST_CASE("a cohort is there with runs, if only in flight, and in the DAG population alone") {
  PartialSet set;
  at(set, 0, Population::dag, Cohort::canary).in_flight = 1;
  at(set, 0, Population::non_dag, Cohort::control).total_runs = 5;
  const WindowKpis window = figures(set);
  const PopulationKpis& dag = window.population(Population::dag);
  REQUIRE(dag.cohort(Cohort::canary) != nullptr);
  CHECK(dag.cohort(Cohort::canary)->in_flight == 1);
  CHECK(dag.cohort(Cohort::control) == nullptr);
  CHECK(window.population(Population::non_dag).cohorts.empty());
  CHECK(window.population(Population::non_dag).total_runs == 5);
}

TEST_CASE("a population's figures are those of its partial") {
  PartialSet set;
  KpiPartial& partial = at(set, 0, Population::dag, Cohort::none);
  partial.total_runs = 8;
  partial.succeeded = 6;
  partial.derived_runs = 3;
  partial.in_flight = 2;
  test::set_codes(partial, {{"503", 1}, {"TOOL_SERVER_ERROR", 1}});
  partial.nodes["a"] = {4, 1, 2, 1, 3, {}};
  partial.plan_sources["llm"] = {4, 3};
  const PopulationKpis dag = figures(set).population(Population::dag);
  CHECK(dag.total_runs == 8);
  CHECK(dag.succeeded_runs == 6);
  CHECK(dag.derived_runs == 3);
  CHECK(dag.in_flight == 2);
  CHECK(dag.error_codes == partial.error_codes);
  CHECK(dag.error_classes.at("server") == 2);
  CHECK(dag.error_classes.at("other") == 0);
  CHECK(dag.kpis == compute_kpis(partial));
  CHECK(dag.nodes.at("a") == compute_node_kpis(partial.nodes.at("a")));
  CHECK(dag.plan_sources.at("llm").runs == 4);
  CHECK(dag.plan_sources.at("llm").success_rate == make_rate(3, 4));
}

TEST_CASE("a report's in-flight and derived runs are those of both populations") {
  PartialSet set;
  at(set, 0, Population::dag, Cohort::none).in_flight = 2;
  at(set, 0, Population::non_dag, Cohort::none).in_flight = 3;
  at(set, 5, Population::dag, Cohort::canary).derived_runs = 10;
  at(set, 5, Population::non_dag, Cohort::none).derived_runs = 20;
  Quality quality;
  quality.current = figures(set);
  CHECK(quality.in_flight() == 5);
  CHECK(quality.derived_runs() == 30);
}

TEST_CASE("the malformed share is that of the window's lines, and 0 where it has none") {
  InputCounts input;
  input.records = 30;
  input.malformed = 30;
  CHECK(malformed_share(input) == 0);
  input.window.all = {200, 3};
  CHECK(malformed_share(input) == 0.015);
}

TEST_CASE("a window may end in a slot, which then counts, but begins with one") {
  PartialSet set;
  at(set, 5, Population::dag, Cohort::none).total_runs = 3;
  const Window window{at_minute(0), at_minute(7)};
  CHECK(compute_window_kpis(set, window).population(Population::dag).total_runs == 3);
  CHECK_THROWS_AS(compute_window_kpis(set, {at_minute(2), at_minute(10)}), Error);
}

TEST_CASE(
    "overdue runs are apart from the figures, and failed ones of class timeout for decisions") {
  PartialSet set;
  KpiPartial& partial = at(set, 0, Population::dag, Cohort::none);
  partial.total_runs = 30;
  partial.succeeded = 30;
  partial.in_flight = 4;
  partial.open_runs = {at_minute(1), at_minute(2), at_minute(3)};
  const auto decided = [&](int newest) {
    const OverdueRule rule{std::chrono::minutes(60), at_minute(newest)};
    return compute_window_kpis(set, kWindow, rule).population(Population::dag);
  };
  const PopulationKpis none = decided(61);
  CHECK(none.overdue == 0);
  CHECK(none.decided() == none.kpis);
  const PopulationKpis dag = decided(63);
  CHECK(dag.overdue == 2);
  CHECK(dag.in_flight == 4);
  CHECK(*dag.kpis.find("pipeline_success_rate") == make_rate(30, 30));
  CHECK(*dag.kpis.find("overdue_rate") == make_rate(2, 32));
  CHECK(*dag.decided().find("pipeline_success_rate") == make_rate(30, 32));
  CHECK(*dag.decided().find("error_rate.timeout") == make_rate(2, 32));
  CHECK(*dag.decided().find("error_rate.server") == make_rate(0, 32));
  CHECK(*dag.decided().find("overdue_rate") == make_rate(2, 32));
}

TEST_CASE("a run became overdue in the window that its newest record and the delay come to") {
  KpiPartial partial;
  partial.open_runs = {at_minute(1), at_minute(2), at_minute(3), at_minute(30)};
  const auto became = [&](int from, int to, int newest) {
    return count_became_overdue(partial.open_runs, {at_minute(from), at_minute(to)},
                                {std::chrono::minutes(60), at_minute(newest)});
  };
  CHECK(became(0, 60, 500) == 0);
  CHECK(became(60, 63, 500) == 2);
  CHECK(became(63, 120, 500) == 2);
  // The newest record may be far behind the window's end: what lies between is in no later window.
  CHECK(became(63, 120, 70) == 2);
  CHECK(became(60, 63, 10) + became(63, 120, 10) == became(60, 120, 500));
  CHECK(count_became_overdue(partial.open_runs, kWindow, {}) == 0);
}

TEST_CASE(
    "unread runs bound the figures from below and above, those without a cohort the canary's") {
  PartialSet set;
  KpiPartial& canary = at(set, 0, Population::dag, Cohort::canary);
  canary.total_runs = 10;
  canary.succeeded = 9;
  canary.latency.add(100);
  canary.unread_runs = 1;
  KpiPartial& control = at(set, 0, Population::dag, Cohort::control);
  control.total_runs = 10;
  control.succeeded = 9;
  at(set, 5, Population::dag, Cohort::none).unread_runs = 2;
  const PopulationKpis dag = figures(set).population(Population::dag);
  CHECK(dag.unread_runs == 3);
  CHECK(*dag.worst_case().find("pipeline_success_rate") == make_rate(18, 23));
  CHECK(*dag.best_case().find("pipeline_success_rate") == make_rate(21, 23));
  const PopulationKpis& of_canary = *dag.cohort(Cohort::canary);
  CHECK(of_canary.unread_runs == 3);
  CHECK(*of_canary.kpis.find("pipeline_success_rate") == make_rate(9, 10));
  CHECK(*of_canary.worst_case().find("pipeline_success_rate") == make_rate(9, 13));
  CHECK(*of_canary.worst_case().find("error_rate.auth") == make_rate(3, 13));
  CHECK(*of_canary.worst_case().find("attempt_failure_rate") == make_rate(3, 3));
  CHECK(of_canary.worst_case().find("p50_latency_ms")->value == kSlowerThanAny);
  CHECK(of_canary.best_case().find("p95_latency_ms")->value == 100);
  CHECK(of_canary.best_case().find("p50_latency_ms")->value == 0);
  const PopulationKpis& of_control = *dag.cohort(Cohort::control);
  CHECK(of_control.unread_runs == 0);
  CHECK(of_control.worst_case() == of_control.kpis);
}

TEST_CASE("unread attempts are failed ones at worst, of the canary where nothing says whose") {
  PartialSet set;
  KpiPartial& canary = at(set, 0, Population::dag, Cohort::canary);
  canary.total_runs = 10;
  canary.succeeded = 10;
  canary.nodes["n"].attempts = 10;
  canary.nodes["n"].run_node_pairs = 10;
  canary.unread_attempts = 3;
  KpiPartial& control = at(set, 0, Population::dag, Cohort::control);
  control = canary;
  control.unread_attempts = 1;
  at(set, 5, Population::dag, Cohort::none).unread_attempts = 2;
  const PopulationKpis dag = figures(set).population(Population::dag);
  CHECK(dag.unread() == 6);
  const PopulationKpis& of_canary = *dag.cohort(Cohort::canary);
  CHECK(of_canary.unread_attempts == 5);
  CHECK(*of_canary.worst_case().find("attempt_failure_rate") == make_rate(5, 15));
  CHECK(of_canary.worst_case().find("attempts_per_node")->value == 1.5);
  CHECK(*of_canary.worst_case().find("pipeline_success_rate") == make_rate(10, 10));
  CHECK(*of_canary.best_case().find("attempt_failure_rate") == make_rate(0, 15));
  CHECK(*dag.cohort(Cohort::control)->best_case().find("attempt_failure_rate") == make_rate(0, 11));
}

TEST_CASE("values of runs that could not be read are the worst, and the runs stay what they are") {
  PartialSet set;
  KpiPartial& runs = at(set, 0, Population::dag, Cohort::none);
  runs.total_runs = 10;
  runs.succeeded = 8;
  runs.latency.add(100);
  runs.unread_durations = 2;
  runs.unread_codes = 1;
  runs.unread_compensations = 3;
  const PopulationKpis dag = figures(set).population(Population::dag);
  CHECK(dag.unread_runs == 0);
  CHECK(dag.unread() == 6);
  CHECK(*dag.worst_case().find("pipeline_success_rate") == make_rate(8, 10));
  CHECK(*dag.worst_case().find("error_rate.auth") == make_rate(1, 10));
  CHECK(*dag.worst_case().find("error_rate.server") == make_rate(1, 10));
  CHECK(*dag.worst_case().find("compensation_failed_rate") == make_rate(3, 3));
  CHECK(dag.worst_case().find("p50_latency_ms")->value == kSlowerThanAny);
  CHECK(dag.best_case().find("p50_latency_ms")->value == 0);
  CHECK(dag.kpis.find("p50_latency_ms")->value == 100);
}

TEST_CASE("labels that look like secrets are masked in the figures, and two stay two") {
  PartialSet set;
  KpiPartial& partial = at(set, 0, Population::dag, Cohort::none);
  partial.total_runs = 3;
  test::set_codes(partial, {{"TOOL_TIMEOUT", 1}, {"password=hunter2", 1}, {"password=hunter3", 1}});
  partial.nodes["ghp_16C7e42F292c6912E7710c838347Ae178B4a"].attempts = 7;
  partial.plan_sources["jane@example.org"] = {3, 2};
  const auto all = figures(set);
  const PopulationKpis& dag = all.population(Population::dag);
  REQUIRE(dag.error_codes.size() == 3);
  CHECK(dag.error_codes.at("TOOL_TIMEOUT") == 1);
  CHECK(dag.nodes.begin()->first.starts_with("***#"));
  CHECK(dag.nodes.begin()->second.attempts == 7);
  CHECK(dag.plan_sources.begin()->first.starts_with("***#"));
  CHECK(dag.plan_sources.begin()->second.runs == 3);
  for (const auto& [code, runs] : dag.error_codes) CHECK_THAT(code, !Catch::Contains("hunter"));
}

}  // namespace dagloop
