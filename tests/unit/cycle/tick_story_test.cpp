// What is told of a rollback, and decided after it, until something else happens.
#include <algorithm>
#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

/// A service whose first step burned, and was rolled back at kAsOf + 2 h; its canary's last runs
/// come in for another hour.
struct MorningAfter : LoopWorld {
  MorningAfter() {
    config.reports.formats = {ReportFormat::md};
    add_runs(kAsOf - hours(48), hours(48), 8);
    tick();
    approve();
    tick();
    add_runs(kAsOf, hours(3), 2, 2, Cohort::canary);
    add_runs(kAsOf, hours(6), 8, 0, Cohort::control);
    clock.advance(hours(2));
    back = tick();
    clock.advance(hours(3));
  }

  std::string page() { return *memory.read("/reports/dag_quality_latest.md"); }
  std::string status() {
    return describe_state(state(), "DAG_ROLLOUT_PERCENT", clock.now()).find("story")->as_string();
  }

  TickResult back;
};

std::string action_of(const TickResult& result) {
  return result.decision.find("action")->as_string();
}

}  // namespace

TEST_CASE("late runs of a canary that is gone ask for no rollback, the cool-down holds") {
  MorningAfter world;
  REQUIRE(world.back.code == ExitCode::rolled_back);
  const TickResult result = world.tick();
  CHECK(action_of(result) == "hold");
  CHECK(result.code == ExitCode::done);
  CHECK(result.decision.find("reasons")->as_array().front().find("code")->as_string() ==
        "cooldown");
  CHECK_THAT(world.page(), !Catch::Contains("of canary,"));
}

TEST_CASE(
    "after a rollback to 0 % figure and evidence are of the same sides, whatever was asked for") {
  MorningAfter world;
  REQUIRE(world.back.code == ExitCode::rolled_back);
  world.config.decision.evidence.mode = EvidenceMode::sequential;
  world.config.baseline.kind = BaselineKind::control;
  world.clock.advance(hours(1));
  const TickResult result = world.tick();
  const Evidence evidence = world.state().evidence;
  CHECK(evidence.percent == 0);
  // All runs of the four hours, those of control among them, and not the canary's last ones alone;
  // but for the half hour of the warm-up and the hour in which records may still come.
  CHECK(evidence.tests.at("success_drop").total.subject.trials >= 30 * 8);
  const auto tells_warmup = [](const std::string& note) {
    return note.ends_with(
        "in force since 2026-02-25T08:00:00Z, without runs that began in the "
        "first 30m");
  };
  CHECK(std::ranges::any_of(result.notes, tells_warmup));
}

TEST_CASE("page, result and status tell why the last rollback was, with its figures") {
  MorningAfter world;
  CHECK(world.back.story.empty());  // its decision says so
  const TickResult result = world.tick();
  CHECK_THAT(result.story,
             Catch::StartsWith("rolled back at 2026-02-25T08:00:00Z from 10 to 0 %, because: ") &&
                 Catch::Contains("pipeline_success_rate of canary is 0.0 % (0 of 48)") &&
                 Catch::EndsWith("; cool-down until 2026-02-26T08:00:00Z"));
  CHECK(world.status() == result.story);
  const std::string page = world.page();
  CHECK(page.find("rolled back at") < page.find("Gate: "));
}

TEST_CASE("a cool-down that is over is no part of the story") {
  MorningAfter world;
  world.clock.advance(hours(21));  // 24 h after the rollback, to the minute
  const TickResult result = world.tick();
  CHECK_THAT(result.story, Catch::StartsWith("rolled back at 2026-02-25T08:00:00Z") &&
                               !Catch::Contains("cool-down"));
  CHECK(world.status() == result.story);
}

TEST_CASE("a rollback is told of until another policy is in force") {
  MorningAfter world;
  SECTION("one that somebody writes by hand") {
    world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=30\nDAG_NODE_TIMEOUT_MS=30000\n", 0640);
  }
  SECTION("one that is approved, after the cool-down") {
    world.clock.advance(hours(30));
    world.add_runs(world.clock.now() - hours(48), hours(48), 8);
    REQUIRE(world.tick().phase == Phase::proposed);
    CHECK_FALSE(world.status().empty());
    world.approve();
  }
  CHECK(world.tick().story.empty());
  CHECK(world.status().empty());
}

TEST_CASE("a service that burns at 0 % without any rollback before still calls for somebody") {
  LoopWorld world;
  world.add_runs(kAsOf - hours(48), hours(24), 8);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 4);
  const TickResult result = world.tick();
  CHECK(action_of(result) == "rollback");
  CHECK(result.code == ExitCode::negative);
}
