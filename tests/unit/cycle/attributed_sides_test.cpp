#include <catch2/catch.hpp>

#include "evaluation_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

TEST_CASE("the sides that decisions compare are attributed, canary against control") {
  EvaluationWorld world;
  world.source.add(kAsOf - hours(2), make_runs_with_errors(10, 6, {{"503", 4}}), Cohort::canary);
  world.source.add(kAsOf - hours(3), make_runs(30, 30), Cohort::control);
  world.source.add(kAsOf - hours(30), make_runs(50, 0), Cohort::canary);  // before the window
  const auto found =
      world.run({kAsOf, hours(24), {BaselineKind::automatic, {}}, {}, {}}).attribution;
  REQUIRE(found);
  CHECK(found->subject_name == "canary");
  CHECK(found->reference_name == "control");
  CHECK(found->subject == RunCounts{10, 4});
  CHECK(found->reference == RunCounts{30, 0});
  CHECK(found->error_codes.parts.front().name == "503");
  const auto before =
      world.run({kAsOf, hours(24), {BaselineKind::previous, {}}, {}, {}}).attribution;
  CHECK(before->subject_name == "dag");
  CHECK(before->reference_name == "previous window");
  CHECK(before->subject == RunCounts{288 + 40, 4});
  CHECK(before->reference == RunCounts{288 + 50, 50});
}

TEST_CASE("a side that is missing leaves nothing to attribute") {
  EvaluationWorld world;
  CHECK_FALSE(world.run({kAsOf, hours(24), {BaselineKind::control, {}}, {}, {}}).attribution);
  world.source.add(kAsOf - hours(2), make_runs(10, 6), Cohort::canary);
  CHECK_FALSE(world.run({kAsOf, hours(24), {BaselineKind::automatic, {}}, {}, {}}).attribution);
}

TEST_CASE("hours of the day are compared where that costs nothing, and the windows alone else") {
  EvaluationWorld world;
  const TimePoint since = kAsOf - hours(3) + minutes(1);
  const EvaluationRequest request{kAsOf, hours(24), {BaselineKind::previous, {}}, since, {}};
  const auto with_hours = world.run(request).attribution->stratified;
  REQUIRE(with_hours.size() == 2);
  CHECK(with_hours[1].by == "hour_of_day");
  CHECK(with_hours[1].strata == 3);  // 03:05 to 06:00
  CHECK(with_hours[1].subject_share == 1);
  CHECK(with_hours[1].reference_share == 36.0 / 288);
  // Besides, 2 x 35 blocks of five minutes; the hours of the last three are among them.
  CHECK(world.source.queries().back().cuts.size() == 94);
  world.source.set_cut_cost(CutCost::each_row);
  CHECK(world.run(request).attribution->stratified.size() == 1);
  CHECK(world.source.queries().back().cuts.size() == 73);  // the blocks alone
}
