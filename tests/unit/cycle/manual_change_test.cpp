#include "dagloop/cycle/manual_change.hpp"

#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"
#include "dagloop/cycle/hand_proposal.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

/// Returns the same decision as it would be made later: another document.
Json a_second_later(const Json& document) {
  Decision decision = decision_from_json(document, "the decision");
  decision.generated_at += std::chrono::seconds{1};
  return decision_to_json(decision);
}

/// A world with a proposed step up, as its document.
struct ManualWorld : LoopWorld {
  ManualWorld() {
    add_runs(kAsOf - hours(48), hours(48), 2);
    decision = tick(TickMode::dry_run).decision;
    propose_decision(manual(), TickMode::apply, decision);
  }
  ManualResult apply(TickMode mode = TickMode::apply) {
    return apply_decision(manual(), mode, decision, {approval_of(decision)});
  }
  ManualResult roll_back(TickMode mode = TickMode::apply) {
    return roll_back_policy(manual(), mode);
  }
  /// Brings the service to 30 % by two verified steps.
  void climb_two_steps() {
    for (int step = 0; step < 2; ++step) {
      tick();
      approve();
      tick();
      add_runs(clock.now(), hours(7), 4, 0, Cohort::canary);
      add_runs(clock.now(), hours(7), 4, 0, Cohort::control);
      clock.advance(hours(7));
      REQUIRE(tick().phase == Phase::settled);
    }
    REQUIRE(value("DAG_ROLLOUT_PERCENT") == "30");
  }

  Json decision;
};

}  // namespace

TEST_CASE("an approved decision is applied by hand, once") {
  ManualWorld world;
  const ManualResult result = world.apply();
  CHECK(result.code == ExitCode::done);
  CHECK_THAT(result.diff, Catch::Contains("+DAG_ROLLOUT_PERCENT=10"));
  CHECK_THAT(result.diff, !Catch::Contains("s3cr3t"));
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  CHECK(world.state().phase == Phase::verifying);
  CHECK_THROWS_WITH(world.apply(),
                    Catch::StartsWith("approval: ") && Catch::Contains("applied before"));
  CHECK(world.events() == Words{"adopted", "proposed", "apply_started", "applied", "refused"});
}

TEST_CASE("a dry run shows the diff and writes nothing, whatever the approval") {
  ManualWorld world;
  const ManualResult with = world.apply(TickMode::dry_run);
  CHECK_THAT(with.notes.back(), Catch::Contains("the approval holds"));
  const ManualResult without =
      apply_decision(world.manual(), TickMode::dry_run, world.decision, {});
  CHECK_THAT(without.notes.back(), Catch::Contains("would be refused"));
  CHECK(with.diff == without.diff);
  CHECK(world.env() == kEnvText);
  CHECK(world.events() == Words{"adopted", "proposed"});
}

TEST_CASE("an apply without an approval is refused and journaled") {
  ManualWorld world;
  CHECK_THROWS_WITH(apply_decision(world.manual(), TickMode::apply, world.decision, {}),
                    Catch::StartsWith("approval: "));
  CHECK(world.env() == kEnvText);
  CHECK(world.events() == Words{"adopted", "proposed", "refused"});
  CHECK(world.stored.journal().back().event.actor == "operator");
}

TEST_CASE("a decision that was edited is refused before anything is looked at") {
  ManualWorld world;
  const Approval approval = world.approval_of(world.decision);
  world.decision["current_percent"] = Json(7);
  CHECK_THROWS_AS(apply_decision(world.manual(), TickMode::apply, world.decision, {approval}),
                  Error);
  CHECK(world.events() == Words{"adopted", "proposed"});
}

TEST_CASE("a decision of another env file is a conflict") {
  ManualWorld world;
  world.write(kEnvPath, kEnvText + "#\n");
  CHECK_THROWS_WITH(world.apply(), Catch::StartsWith("conflict: "));
  CHECK(world.env() == kEnvText + "#\n");
}

TEST_CASE("nothing is applied by hand while another change is under verification") {
  ManualWorld world;
  const Json first = world.decision;
  world.decision = a_second_later(first);
  apply_decision(world.manual(), TickMode::apply, first, {world.approval_of(first)});
  CHECK_THROWS_WITH(world.apply(),
                    Catch::StartsWith("conflict: ") && Catch::Contains("under verification"));
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
}

TEST_CASE("only the decision that waits is applied by hand, whatever the approval") {
  ManualWorld world;
  const Json first = world.decision;
  world.decision = a_second_later(first);
  CHECK_THROWS_WITH(world.apply(), Catch::StartsWith("approval: ") &&
                                       Catch::Contains("never proposed to this state"));
  propose_decision(world.manual(), TickMode::apply, world.decision);
  CHECK_THROWS_WITH(
      apply_decision(world.manual(), TickMode::apply, first, {world.approval_of(first)}),
      Catch::StartsWith("approval: ") && Catch::Contains("superseded by another proposal"));
  CHECK_THROWS_WITH(propose_decision(world.manual(), TickMode::apply, first),
                    Catch::StartsWith("approval: ") && Catch::Contains("superseded"));
  CHECK(world.env() == kEnvText);
  CHECK(world.apply().code == ExitCode::done);
}

TEST_CASE("a hold is applied by changing nothing") {
  ManualWorld world;
  world.source.set_malformed(10000);
  const Json hold = world.tick(TickMode::dry_run).decision;
  const ManualResult result = apply_decision(world.manual(), TickMode::apply, hold, {});
  CHECK(result.code == ExitCode::done);
  CHECK(world.events() == Words{"adopted", "proposed"});
}

TEST_CASE("a rollback by hand undoes the change under verification, without an approval") {
  ManualWorld world;
  world.apply();
  CHECK(world.roll_back(TickMode::dry_run).notes.back() ==
        "dry run: --apply would write this; no approval is needed");
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  CHECK(world.roll_back().code == ExitCode::done);
  CHECK(world.env() == kEnvText);
  CHECK(world.state().phase == Phase::rolled_back);
}

TEST_CASE("a rollback by hand goes one verified policy down each time, and then no further") {
  ManualWorld world;
  world.climb_two_steps();
  world.roll_back();
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  world.roll_back();
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "0");
  CHECK_THROWS_WITH(world.roll_back(), Catch::StartsWith("approval: "));
  CHECK(world.events().back() == "refused");
}

TEST_CASE("an interrupted rollback is finished by the next one, which goes no further") {
  for (const std::size_t n : {std::size_t{2}, std::size_t{3}, std::size_t{4}}) {
    ManualWorld world;
    world.climb_two_steps();
    world.faults.arm(n, FaultPlace::before);
    CHECK_THROWS_AS(world.roll_back(), Error);
    world.faults.disarm();
    REQUIRE(world.state().intent);
    const ManualResult result = world.roll_back();
    CHECK(result.code == ExitCode::done);
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
    CHECK_FALSE(result.notes.empty());
  }
}

TEST_CASE("an interrupted apply is finished or made by the next one, which reports it as done") {
  for (std::size_t n = 1; n <= 5; ++n) {
    ManualWorld world;
    world.faults.arm(n, FaultPlace::before);
    CHECK_THROWS_AS(world.apply(), Error);
    world.faults.disarm();
    CHECK(world.apply().code == ExitCode::done);
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
    CHECK(world.state().phase == Phase::verifying);
  }
}

TEST_CASE("a rollback by hand in a rehearsal counts from the policy it leaves at the earliest") {
  ManualWorld world;
  world.tick(TickMode::apply, kAsOf);
  world.approve();
  world.tick(TickMode::apply, kAsOf);
  world.roll_back();
  CHECK(world.state().in_force_since >= kAsOf);
}

TEST_CASE("a rollback where the rollout key is missing or no number is a configuration error") {
  for (const char* text : {"OTHER=1\n", "DAG_ROLLOUT_PERCENT=most\n"}) {
    ManualWorld world;
    world.write(kEnvPath, text);
    CHECK_THROWS_WITH(world.roll_back(TickMode::dry_run),
                      Catch::StartsWith("config: ") && Catch::Contains("DAG_ROLLOUT_PERCENT"));
  }
}

TEST_CASE("a status describes phase, policy, what waits and what is verified") {
  LoopWorld world;
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  const Json idle = describe_state(world.state(), "DAG_ROLLOUT_PERCENT", kAsOf);
  CHECK(idle.find("phase")->as_string() == "idle");
  CHECK(idle.find("pending_decision")->is_null());
  CHECK(idle.find("in_force_since")->is_null());
  const Json decision = world.tick().decision;
  const Json proposed = describe_state(world.state(), "DAG_ROLLOUT_PERCENT", kAsOf);
  CHECK(proposed.find("pending_decision")->as_string() == decision_digest(decision));
  world.approve();
  world.tick();
  const Json verifying = describe_state(world.state(), "DAG_ROLLOUT_PERCENT", kAsOf);
  CHECK(verifying.find("phase")->as_string() == "verifying");
  CHECK(verifying.find("under_verification")->find("decision")->as_string() ==
        decision_digest(decision));
  CHECK(verifying.find("in_force_since")->as_string() == format_time(world.clock.now()));
}

TEST_CASE("what holds up an approved change holds up its proposal by hand") {
  LoopWorld world;
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  world.tick();
  const Json decision = a_second_later(world.state().pending_decision);
  const auto propose = [&] { propose_decision(world.manual(), TickMode::apply, decision); };
  world.config.policy.loader = EnvLoader::systemd;  // which takes a comment for the value
  CHECK_THROWS_WITH(propose(), Catch::StartsWith("config: "));
  world.config.policy.loader = EnvLoader::shell;
  const std::string allowlist = *world.memory.read(world.config.policy.allowlist);
  std::string narrow = allowlist;
  narrow.replace(narrow.find("\"max\": 100"), 10, "\"max\": 5");
  world.write(world.config.policy.allowlist, narrow);
  CHECK_THROWS_WITH(propose(), Catch::StartsWith("config: ") && Catch::Contains("allowlist"));
  world.write(world.config.policy.allowlist, allowlist);
  world.clock.advance(-hours(3));
  CHECK_THROWS_WITH(propose(), Catch::StartsWith("preflight: "));
  world.clock.advance(hours(3));
  const ManualResult result = propose_decision(world.manual(), TickMode::apply, decision);
  CHECK(result.approve_until == decision_from_json(decision, "the decision").expires_at);
}
