// What evidence excluded stays excluded, until a person begins a new rollout.
#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

/// A service whose first canary failed every run and was rolled back two hours after its step; all
/// has been well for a day since.
struct ExcludedWorld : LoopWorld {
  ExcludedWorld() {
    config.decision.evidence.mode = EvidenceMode::sequential;
    add_runs(kAsOf - hours(48), hours(48), 8);
    tick();
    approve();
    tick();
    add_runs(kAsOf, hours(2), 2, 2, Cohort::canary);
    add_runs(kAsOf, hours(30), 8, 0, Cohort::control);
    clock.advance(hours(2));
    back = tick();
  }

  void end_cooldown() {
    clock.advance(hours(24) + minutes(5));
    tick();
  }
  ManualResult begin_anew(TickMode mode = TickMode::apply) {
    return begin_new_rollout(manual(), mode, "the release of Tuesday mends it");
  }
  Words reasons() {
    const Json decision = tick(TickMode::dry_run).decision;
    Words codes;
    for (const Json& reason : decision.find("reasons")->as_array()) {
      codes.push_back(reason.find("code")->as_string());
    }
    return codes;
  }

  TickResult back;
};

}  // namespace

TEST_CASE("a policy that evidence excluded stays so after rollback and cool-down") {
  ExcludedWorld world;
  REQUIRE(world.back.code == ExitCode::rolled_back);
  REQUIRE(world.state().excluded.size() == 1);
  CHECK(world.state().excluded.front().trigger == "success_drop");
  CHECK(world.state().excluded.front().since == kAsOf + hours(2));
  CHECK(world.reasons() == Words{"cooldown", "excluded_by_evidence"});
  world.end_cooldown();
  CHECK(world.reasons() == Words{"excluded_by_evidence"});
  CHECK(world.state().pending_decision.is_null());
  const Json status = describe_state(world.state(), "DAG_ROLLOUT_PERCENT", world.clock.now());
  CHECK(status.find("excluded")->find("trigger")->as_string() == "success_drop");
}

TEST_CASE("a new rollout waits for the end of the cool-down, and the journal has who asked") {
  ExcludedWorld world;
  for (const TickMode mode : {TickMode::dry_run, TickMode::apply}) {
    CHECK_THROWS_WITH(world.begin_anew(mode),
                      Catch::StartsWith("conflict: ") &&
                          Catch::Contains("the cool-down lasts until 2026-02-26T08:00:00Z"));
  }
  CHECK(world.events().back() == "refused");
  CHECK(world.state().excluded.size() == 1);
}

TEST_CASE("a person who begins a new rollout says why; the evidence begins anew") {
  ExcludedWorld world;
  world.end_cooldown();
  CHECK_THROWS_WITH(begin_new_rollout(world.manual(), TickMode::apply, ""),
                    Catch::StartsWith("usage: --why"));
  const CycleState before = world.state();
  CHECK_THAT(world.begin_anew(TickMode::dry_run).notes.back(), Catch::StartsWith("dry run: "));
  CHECK(world.state() == before);
  CHECK_THAT(world.begin_anew().notes.back(), Catch::Contains("success_drop"));
  const CycleState after = world.state();
  CHECK(after.excluded.empty());
  CHECK(after.evidence.tests.empty());
  CHECK(after.evidence.since == before.evidence.until);
  const JournalEvent event = world.stored.entries().back().event;
  CHECK(event.type == EventType::new_rollout);
  CHECK(event.actor == "operator");
  CHECK_THAT(event.why, Catch::StartsWith("the release of Tuesday mends it; success_drop"));
  CHECK(world.journal_is_intact());
  world.clock.advance(minutes(5));
  CHECK(world.reasons() == Words{"gate_pass"});
}

TEST_CASE("a new rollout withdraws what waits, and waits itself for a verification") {
  ExcludedWorld world;
  world.end_cooldown();
  world.begin_anew();
  world.clock.advance(minutes(5));
  world.tick();
  REQUIRE(world.state().phase == Phase::proposed);
  CHECK_THAT(world.begin_anew().notes.back(), Catch::Contains("no evidence excludes"));
  CHECK(world.state().pending_decision.is_null());
  CHECK(world.events().at(world.events().size() - 2) == "rejected");
  world.tick();
  world.approve();
  world.tick();
  REQUIRE(world.state().phase == Phase::verifying);
  CHECK_THROWS_WITH(world.begin_anew(), Catch::Contains("under verification"));
}

TEST_CASE("another policy is not excluded by what was found of this one") {
  ExcludedWorld world;
  world.end_cooldown();
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=0\nDAG_NODE_TIMEOUT_MS=20000\n", 0640);
  world.tick();
  world.add_runs(world.clock.now(), hours(8), 8);
  world.clock.advance(hours(8));
  CHECK(world.reasons() == Words{"gate_pass"});
  world.write(kEnvPath, kEnvText, 0640);
  world.tick();
  world.add_runs(world.clock.now(), hours(8), 8);
  world.clock.advance(hours(8));
  CHECK(world.reasons() == Words{"excluded_by_evidence"});
}

TEST_CASE("bare figures exclude nothing") {
  LoopWorld by_figures;
  by_figures.add_runs(kAsOf - hours(48), hours(48), 8);
  by_figures.tick();
  by_figures.approve();
  by_figures.tick();
  by_figures.add_runs(kAsOf, hours(2), 2, 2, Cohort::canary);
  by_figures.add_runs(kAsOf, hours(2), 8, 0, Cohort::control);
  by_figures.clock.advance(hours(2));
  REQUIRE(by_figures.tick().code == ExitCode::rolled_back);
  CHECK(by_figures.state().excluded.empty());
}
