#include "dagloop/kpi/comparable.hpp"

#include <catch2/catch.hpp>

#include "dagloop/kpi/mantel_haenszel.hpp"

namespace dagloop {
namespace {

const StrataList kStrata{{"etl", "rule"}, {"etl", "llm"}, {"other", ""}};

StratumPartial runs(std::uint64_t all, std::uint64_t succeeded, double latency_ms = 1000) {
  StratumPartial partial;
  partial.total_runs = all;
  partial.succeeded = succeeded;
  for (std::uint64_t i = 0; i < all; ++i) partial.latency.add(latency_ms);
  return partial;
}

std::optional<Comparable> compare(const SideByStratum& subject, const SideByStratum& reference) {
  return compare_alike(subject, reference, kStrata, AttemptsOf::both_known);
}

}  // namespace

TEST_CASE("rates among runs that are alike are those of Mantel and Haenszel") {
  MantelHaenszel sums;
  sums.add({10, 4}, {90, 18});
  CHECK(sums.subject_rate() == Approx(0.4));
  CHECK(sums.reference_rate() == Approx(0.2));
  sums.add({40, 8}, {10, 1});
  sums.add({50, 50}, {0, 0});  // adds nothing
  CHECK(sums.strata() == 2);
  // By hand: weights 10 * 90 / 100 and 40 * 10 / 50.
  CHECK(sums.subject_rate() == Approx((9 * 0.4 + 8 * 0.2) / 17));
  CHECK(sums.reference_rate() == Approx((9 * 0.2 + 8 * 0.1) / 17));
  CHECK(sums.difference().value == Approx(sums.subject_rate() - sums.reference_rate()));
  CHECK(sums.difference().ci95->low < sums.difference().value);
}

TEST_CASE("a canary that has the hard runs only is no worse among runs that are alike") {
  const SideByStratum canary{"canary", {{1, runs(400, 300, 3000)}}, {}};
  const SideByStratum control{
      "control", {{0, runs(2700, 2565, 1000)}, {1, runs(900, 675, 3000)}}, {}};
  const auto found = compare(canary, control);
  REQUIRE(found);
  CHECK(found->strata == 1);
  CHECK(found->share() == 1);
  const AlikeFigure& success = found->figures.at("pipeline_success_rate");
  CHECK(success.subject == Approx(0.75));
  CHECK(success.reference == Approx(0.75));
  CHECK(success.subject_trials == 400);
  CHECK(success.reference_trials == 900);
  const AlikeFigure& p95 = found->figures.at("p95_latency_ms");
  CHECK(p95.subject == p95.reference);
  CHECK(p95.subject == Approx(3000).epsilon(0.004));
}

TEST_CASE("p95 of the reference is that of runs mixed as the subject's are") {
  // Of control 4 % are slow, so its p95 is a fast one; of the canary 40 % are, and no slower.
  const SideByStratum canary{"canary", {{0, runs(60, 60, 100)}, {1, runs(40, 40, 900)}}, {}};
  const SideByStratum control{"control", {{0, runs(960, 960, 100)}, {1, runs(40, 40, 900)}}, {}};
  const AlikeFigure p95 = compare(canary, control)->figures.at("p95_latency_ms");
  CHECK(p95.subject == Approx(900).epsilon(0.004));
  CHECK(p95.reference == p95.subject);
}

TEST_CASE("runs of strata that the other side lacks are left out, and their share is told") {
  const SideByStratum canary{"canary", {{0, runs(30, 30)}, {3, runs(70, 0)}}, {}};
  const SideByStratum control{"control", {{0, runs(900, 900)}, {1, runs(50, 0)}}, {}};
  const auto found = compare(canary, control);
  CHECK(found->share() == Approx(0.3));
  CHECK(found->all_runs == 100);
  CHECK(found->figures.at("pipeline_success_rate").subject == 1);
  const auto none = compare({"canary", {{3, runs(70, 0)}}, {}}, control);
  REQUIRE(none);
  CHECK(none->share() == 0);
  CHECK(none->figures.empty());
}

TEST_CASE("where all runs are of one stratum the plain figures say it") {
  CHECK_FALSE(compare({"canary", {{0, runs(30, 30)}}, {}}, {"control", {{0, runs(9, 9)}}, {}}));
  CHECK_FALSE(compare({"canary", {}, {}}, {"control", {{0, runs(9, 9)}, {1, runs(9, 9)}}, {}}));
}

TEST_CASE("runs that hang are failed ones of their stratum, also where none of it is over") {
  const SideByStratum canary{"canary", {{0, runs(30, 30)}, {1, {}}}, {{1, 30}}};
  const SideByStratum control{"control", {{0, runs(300, 300)}, {1, runs(300, 300)}}, {}};
  const AlikeFigure success = compare(canary, control)->figures.at("pipeline_success_rate");
  CHECK(success.subject == Approx(0.5));
  CHECK(success.subject_trials == 60);
  CHECK(success.reference == 1);
}

TEST_CASE("fallbacks, which change a run's plan source, are compared within its pipeline") {
  StratumPartial fallen = runs(90, 90);
  fallen.fallback = 90;
  StratumPartial few = runs(10, 10);
  few.fallback = 10;
  // Whoever falls back is planned by rules: within these all runs of both sides did.
  const SideByStratum canary{"canary", {{0, fallen}, {1, runs(10, 10)}}, {}};
  const SideByStratum control{"control", {{0, few}, {1, runs(90, 90)}}, {}};
  const AlikeFigure figure = compare(canary, control)->figures.at("fallback_rate");
  CHECK(figure.subject == Approx(0.9));
  CHECK(figure.reference == Approx(0.1));
}

TEST_CASE("attempts that nobody knows of are not compared") {
  const SideByStratum side{"x", {{0, runs(30, 30)}, {1, runs(3, 3)}}, {}};
  const auto found = compare_alike(side, side, kStrata, AttemptsOf::unknown);
  CHECK_FALSE(found->figures.contains("attempt_failure_rate"));
}

}  // namespace dagloop
