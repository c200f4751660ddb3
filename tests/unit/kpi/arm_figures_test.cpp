#include "dagloop/kpi/arm_figures.hpp"

#include <catch2/catch.hpp>

#include "../../support/make_quality.hpp"

using namespace dagloop;

TEST_CASE("an arm counts runs, failures, errors by class, and the attempts of all nodes") {
  KpiPartial partial = test::make_runs_with_errors(
      50, 40, {{"TOOL_AUTH_ERROR", 3}, {"503", 2}, {"500", 1}, {"TOOL_TIMEOUT", 4}});
  partial.nodes["a"] = test::make_node(60, 7, 10, 5);
  partial.nodes["b"] = test::make_node(50, 0);
  const ArmFigures arm = count_arm(partial, {});
  CHECK(arm.runs == 50);
  CHECK(arm.failed == 10);
  CHECK(arm.auth_errors == 3);
  CHECK(arm.server_errors == 3);
  CHECK(arm.attempts == 110);
  CHECK(arm.failed_attempts == 7);
  CHECK(arm.timed == 50);
  CHECK(arm.slow == 0);
  CHECK(arm.over_threshold == 0);
  partial.runs_without_tries = 50;
  const ArmFigures blind = count_arm(partial, {});
  CHECK(blind.runs == 50);
  CHECK(blind.attempts == 0);  // no evidence from the last tries alone
  CHECK(blind.failed_attempts == 0);
}

TEST_CASE("runs are counted above each latency around the usual one") {
  const std::vector<double> edges = latency_edges(800);
  REQUIRE(edges.size() == kLatencyEdges);
  CHECK(edges.front() == 200);
  CHECK(edges[16] == 800);
  CHECK(edges[24] == 1600);
  CHECK(edges.back() == 3200);
  KpiPartial partial;
  for (int i = 1; i <= 5000; ++i) partial.latency.add(i);
  const ArmFigures arm = count_arm(partial, {800.0, std::nullopt});
  REQUIRE(are_counts_above_edges(arm.above, arm.timed));
  CHECK(arm.above[16] == arm.slow);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    CHECK(arm.above[i] == partial.latency.count_above(edges[i]));
    CHECK(static_cast<double>(arm.above[i]) ==
          Approx(5000 - edges[i]).margin(0.005 * edges[i] + 1));
  }
  CHECK(count_arm(partial, {}).above.empty());
}

TEST_CASE("slow runs are those in buckets above the limit's, kept one by one or in buckets") {
  KpiPartial partial;
  std::map<std::int32_t, std::uint64_t> buckets;
  for (int i = 1; i <= 1000; ++i) {
    partial.latency.add(i);
    ++buckets[DurationHistogram::bucket_of(i)];
  }
  KpiPartial in_buckets;
  in_buckets.latency = DurationHistogram(buckets);
  const double limit = DurationHistogram::bucket_middle(900);
  std::uint64_t above = 0;
  for (int i = 1; i <= 1000; ++i) {
    if (DurationHistogram::bucket_of(i) > DurationHistogram::bucket_of(900)) ++above;
  }
  for (const KpiPartial& each : {partial, in_buckets}) {
    const ArmFigures arm = count_arm(each, {limit, 500.0});
    CHECK(arm.slow == above);
    CHECK(above >= 90);
    CHECK(arm.over_threshold >= 490);
    CHECK(arm.over_threshold <= 500);
  }
}

TEST_CASE(
    "a run of the subject is slow above what is tolerated, of the reference above the usual") {
  KpiPartial partial;
  for (int i = 1; i <= 1000; ++i) partial.latency.add(i);
  const SlowLimits limits{800.0, std::nullopt, 900.0};
  CHECK(count_arm(partial, limits).slow == partial.latency.count_above(800));
  const ArmFigures subject = count_arm(partial, limits, 0, ArmRole::subject);
  CHECK(subject.slow == partial.latency.count_above(900));
  CHECK(subject.above[16] == partial.latency.count_above(800));
  const SlowLimits none{800.0, std::nullopt};
  CHECK(count_arm(partial, none, 0, ArmRole::subject).slow == partial.latency.count_above(800));
}
