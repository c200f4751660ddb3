#include "dagloop/decide/comparison.hpp"

#include <catch2/catch.hpp>

#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using test::make_runs;
using test::QualityBuilder;

Quality with_cohorts() {
  return QualityBuilder()
      .current(make_runs(30, 27), Cohort::canary)
      .current(make_runs(70, 69), Cohort::control)
      .baseline(make_runs(100, 95))
      .build();
}

TEST_CASE("automatic compares canary with control where cohorts exist") {
  const Quality quality = with_cohorts();
  const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
  REQUIRE(comparison.subject != nullptr);
  REQUIRE(comparison.reference != nullptr);
  CHECK(comparison.subject->total_runs == 30);
  CHECK(comparison.reference->total_runs == 70);
  CHECK(comparison.subject_name == "canary");
  CHECK(comparison.reference_name == "control");
  CHECK(comparison.subject_window == quality.current.window);
  CHECK_FALSE(comparison.fault.has_value());
}

TEST_CASE("automatic compares the window with the one before where no run has a cohort") {
  const Quality quality =
      QualityBuilder().current(make_runs(50, 45)).baseline(make_runs(60, 55)).build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
  REQUIRE(comparison.reference != nullptr);
  CHECK(comparison.subject->total_runs == 50);
  CHECK(comparison.reference->total_runs == 60);
  CHECK(comparison.subject_name == "dag");
  CHECK(comparison.reference_name == "previous_window");
  CHECK_FALSE(comparison.fault.has_value());
}

TEST_CASE("a canary that stopped logging is missing, never a silent switch to another baseline") {
  const Quality quality = QualityBuilder()
                              .current(make_runs(70, 69), Cohort::control)
                              .baseline(make_runs(100, 95))
                              .build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
  CHECK(comparison.subject == nullptr);
  CHECK(comparison.reference != nullptr);
  REQUIRE(comparison.fault.has_value());
  CHECK(comparison.fault->code == "no_canary_runs");
}

TEST_CASE("cohorts of the baseline window alone still demand cohorts") {
  const Quality quality = QualityBuilder()
                              .current(make_runs(70, 69))
                              .baseline(make_runs(10, 9), Cohort::canary)
                              .build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
  REQUIRE(comparison.fault.has_value());
  CHECK(comparison.fault->code == "no_canary_runs");
  CHECK(comparison.subject == nullptr);
}

TEST_CASE("a missing control is a fault of its own") {
  const Quality quality = QualityBuilder().current(make_runs(30, 27), Cohort::canary).build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
  CHECK(comparison.subject != nullptr);
  CHECK(comparison.reference == nullptr);
  REQUIRE(comparison.fault.has_value());
  CHECK(comparison.fault->code == "no_control_runs");
}

TEST_CASE("baseline control demands cohorts even where no run has one") {
  const Quality quality =
      QualityBuilder().current(make_runs(50, 45)).baseline(make_runs(60, 55)).build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::control);
  REQUIRE(comparison.fault.has_value());
  CHECK(comparison.fault->code == "no_canary_runs");
}

TEST_CASE("baselines previous and period use the baseline window although cohorts exist") {
  const Quality quality = with_cohorts();
  for (const auto& [kind, name] : {std::pair{BaselineKind::previous, "previous_window"},
                                   std::pair{BaselineKind::period, "baseline_period"}}) {
    const Comparison comparison = choose_comparison(quality, kind);
    REQUIRE(comparison.reference != nullptr);
    CHECK(comparison.subject->total_runs == 100);
    CHECK(comparison.reference->total_runs == 100);
    CHECK(comparison.reference->succeeded_runs == 95);
    CHECK(comparison.reference_name == name);
  }
}

TEST_CASE("a report without a baseline, or with an empty one, has no baseline") {
  const Quality without = QualityBuilder().current(make_runs(50, 45)).build();
  const Quality empty =
      QualityBuilder().current(make_runs(50, 45)).baseline(make_runs(0, 0)).build();
  for (const Quality& quality : {without, empty}) {
    const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
    CHECK(comparison.subject != nullptr);
    CHECK(comparison.reference == nullptr);
    REQUIRE(comparison.fault.has_value());
    CHECK(comparison.fault->code == "no_baseline");
  }
}

TEST_CASE("between 0 and 100 percent a log without cohorts has no side for the new policy") {
  const Quality quality =
      QualityBuilder().current(make_runs(50, 45)).baseline(make_runs(60, 55)).build();
  for (const BaselineKind kind : {BaselineKind::automatic, BaselineKind::control}) {
    for (const int percent : {1, 30, 99}) {
      const Comparison comparison = choose_comparison_at(quality, kind, percent);
      REQUIRE(comparison.fault.has_value());
      CHECK(comparison.fault->code == kNoCohorts);
      CHECK(comparison.subject == nullptr);
      CHECK(comparison.reference == nullptr);
    }
  }
  for (const int percent : {0, 100}) {
    const Comparison comparison = choose_comparison_at(quality, BaselineKind::automatic, percent);
    CHECK_FALSE(comparison.fault.has_value());
    CHECK(comparison.reference_name == "previous_window");
  }
  CHECK_FALSE(choose_comparison_at(quality, BaselineKind::previous, 30).fault.has_value());
  const Quality cohorts = with_cohorts();
  CHECK(choose_comparison_at(cohorts, BaselineKind::automatic, 30).subject_name == "canary");
}

}  // namespace
}  // namespace dagloop
