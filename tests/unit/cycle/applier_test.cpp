#include "dagloop/cycle/applier.hpp"

#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"
#include "dagloop/base/digest.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

const Patch kStepUp{{"DAG_ROLLOUT_PERCENT", {"0", "10"}}};
const Patch kStepDown{{"DAG_ROLLOUT_PERCENT", {"10", "0"}}};

/// A world with an applier, whose policy was seen by the loop.
struct ApplierWorld : LoopWorld {
  explicit ApplierWorld(const std::string& percent = "0") {
    if (percent != "0") {
      const Patch patch{{"DAG_ROLLOUT_PERCENT", {"0", percent}}};
      write(kEnvPath, EnvFile::parse(env(), kEnvPath).patched(patch), 0640);
    }
    allowlist = read_allowlist(memory, config.policy);
    state_now.in_force = allowlist.values_in(EnvFile::parse(env(), kEnvPath));
    state_now.verified = {{{"DAG_NODE_TIMEOUT_MS", "30000"}, {"DAG_ROLLOUT_PERCENT", "0"}}};
    stored.commit(state_now, {});
  }
  Applier applier() { return {context, allowlist}; }
  ChangeRequest request(const Patch& patch, ChangeKind kind = ChangeKind::apply) {
    return {kind,
            patch,
            sha256_hex(env()),
            kind == ChangeKind::apply ? "d1" : "",
            "because",
            clock.now() - std::chrono::seconds{42},
            clock.now()};
  }

  Allowlist allowlist;
  ChangeContext context{files, processes, store, clock, config, "ops"};
  CycleState state_now;
};

std::string stepped_env() { return EnvFile::parse(kEnvText, kEnvPath).patched(kStepUp); }

}  // namespace

TEST_CASE("an apply writes the patch, keeps the mode, and puts the change under verification") {
  ApplierWorld world;
  CHECK(world.applier().carry_out(world.state_now, world.request(kStepUp)) ==
        ChangeOutcome::in_force);
  CHECK(world.env() == stepped_env());
  CHECK(world.memory.stat(kEnvPath)->mode == 0640);
  const CycleState state = world.state();
  CHECK(state.phase == Phase::verifying);
  CHECK_FALSE(state.intent);
  REQUIRE(state.change);
  CHECK(state.change->patch == kStepUp);
  CHECK(state.change->decision_digest == "d1");
  CHECK(state.in_force.at("DAG_ROLLOUT_PERCENT") == "10");
  CHECK(state.in_force_since == world.clock.now());
  CHECK(state.used_decisions == Words{"d1"});
  CHECK(world.events() == Words{"apply_started", "applied"});
  const JournalEvent applied = world.stored.journal().back().event;
  CHECK(applied.before == Json::object({{"DAG_ROLLOUT_PERCENT", "0"}}));
  CHECK(applied.after == Json::object({{"DAG_ROLLOUT_PERCENT", "10"}}));
  CHECK_THAT(applied.why, Catch::Contains("in force 42 s after approval"));
}

TEST_CASE("the intent is in the journal before the env file is touched") {
  ApplierWorld world;
  world.faults.arm(2, FaultPlace::before);  // 1: the intent's commit; 2: the temporary file
  CHECK_THROWS_AS(world.applier().carry_out(world.state_now, world.request(kStepUp)), Error);
  CHECK(world.env() == kEnvText);
  CHECK(world.events() == Words{"apply_started"});
  REQUIRE(world.state().intent);
  CHECK(world.state().intent->after_sha256 == sha256_hex(stepped_env()));
}

TEST_CASE("a key that is not allowed is refused and journaled, the env file untouched") {
  ApplierWorld world;
  CHECK_THROWS_WITH(
      world.applier().carry_out(world.state_now, world.request({{"SECRET", {"s3cr3t", "x"}}})),
      Catch::StartsWith("config: ") && Catch::Contains("SECRET"));
  CHECK_THROWS_WITH(world.applier().carry_out(
                        world.state_now, world.request({{"DAG_ROLLOUT_PERCENT", {"0", "100"}}})),
                    Catch::Contains("DAG_ROLLOUT_PERCENT"));
  CHECK(world.env() == kEnvText);
  CHECK(world.events() == Words{"refused", "refused"});
  CHECK_FALSE(world.state().intent);
}

TEST_CASE("a rollback may move further than a forward step") {
  ApplierWorld world("100");
  world.applier().carry_out(world.state_now, world.request({{"DAG_ROLLOUT_PERCENT", {"100", "0"}}},
                                                           ChangeKind::rollback));
  CHECK(world.env() == kEnvText);
}

TEST_CASE("an env file other than the decision saw is a conflict, and journaled") {
  ApplierWorld world;
  const ChangeRequest request = world.request(kStepUp);
  world.write(kEnvPath, kEnvText + "MORE=1\n");
  CHECK_THROWS_WITH(world.applier().carry_out(world.state_now, request),
                    Catch::StartsWith("conflict: " + kEnvPath));
  CHECK(world.env() == kEnvText + "MORE=1\n");
  CHECK(world.events() == Words{"refused"});
}

TEST_CASE("a rollback starts the cool-down and forgets the policy that was left") {
  ApplierWorld world("10");
  world.state_now.verified.push_back(world.state_now.in_force);
  world.applier().carry_out(world.state_now, world.request(kStepDown, ChangeKind::rollback));
  const CycleState state = world.state();
  CHECK(state.phase == Phase::rolled_back);
  CHECK(state.verified.size() == 1);
  CHECK(state.verified.back().at("DAG_ROLLOUT_PERCENT") == "0");
  CHECK(state.cooldown_until == world.clock.now() + hours(24));
  CHECK_FALSE(state.change);
  CHECK(world.events() == Words{"rollback_started", "rolled_back"});
}

TEST_CASE("the cool-down doubles with each rollback of the same policy, up to a limit") {
  ApplierWorld world;
  for (int n = 0; n < 14; ++n) {
    world.applier().carry_out(world.state_now, world.request(kStepUp));
    world.applier().carry_out(world.state_now, world.request(kStepDown, ChangeKind::rollback));
    const int doublings = std::min(n, 10);
    CHECK(world.state().cooldown_until == world.clock.now() + hours(24) * (1 << doublings));
  }
}

TEST_CASE("a failed reload hook takes an apply back, and the earlier policy stays verified") {
  ApplierWorld world;
  world.config.policy.reload = {"svc", "reload"};
  world.processes.answer({5, false, "no such unit"});
  CHECK(world.applier().carry_out(world.state_now, world.request(kStepUp)) ==
        ChangeOutcome::rolled_back);
  CHECK(world.env() == kEnvText);
  const CycleState state = world.state();
  CHECK(state.phase == Phase::rolled_back);
  CHECK(state.in_force.at("DAG_ROLLOUT_PERCENT") == "0");
  REQUIRE(state.verified.size() == 1);
  CHECK(state.verified.front() == state.in_force);
  CHECK(state.rollbacks.size() == 1);
  CHECK(state.rollbacks.begin()->first !=
        policy_fingerprint(state.in_force));  // the new policy's, not the earlier one's
  CHECK(world.processes.runs().size() == 2);  // the earlier values are loaded again
  CHECK(world.events() == Words{"apply_started", "hook_failed", "rollback_started", "rolled_back"});
  CHECK_THAT(world.stored.journal()[1].event.why,
             Catch::Contains("svc ended with 5: no such unit"));
}

TEST_CASE("a failed reload hook does not take a rollback back") {
  ApplierWorld world("10");
  world.config.policy.reload = {"svc", "reload"};
  world.processes.answer({-1, true, ""});
  CHECK(
      world.applier().carry_out(world.state_now, world.request(kStepDown, ChangeKind::rollback)) ==
      ChangeOutcome::in_force_without_reload);
  CHECK(world.env() == kEnvText);
  CHECK(world.events() == Words{"rollback_started", "rolled_back", "hook_failed"});
  CHECK_THAT(world.stored.journal().back().event.why, Catch::Contains("timed out"));
}

TEST_CASE("the reload hook sees the new values and its secrets are masked in the journal") {
  ApplierWorld world;
  world.config.policy.reload = {"svc"};
  std::string seen;
  world.processes.during_run([&] { seen += world.value("DAG_ROLLOUT_PERCENT") + " "; });
  world.processes.answer({1, false, "cannot reach postgresql://svc:hunter2@db/x"});
  world.applier().carry_out(world.state_now, world.request(kStepUp));
  CHECK(seen == "10 0 ");
  for (const JournalEntry& entry : world.stored.journal()) {
    CHECK_THAT(entry.event.why, !Catch::Contains("hunter2"));
  }
}

TEST_CASE("recovering does nothing where no change was interrupted") {
  ApplierWorld world;
  CHECK(world.applier().recover(world.state_now).empty());
  CHECK(world.events().empty());
}

TEST_CASE("an interrupted rollback is carried out beside an edit of other lines, announced anew") {
  ApplierWorld world("10");
  world.faults.arm(2, FaultPlace::before);
  CHECK_THROWS_AS(
      world.applier().carry_out(world.state_now, world.request(kStepDown, ChangeKind::rollback)),
      Error);
  world.faults.disarm();
  const Patch edit{{"DAG_NODE_TIMEOUT_MS", {"30000", "20000"}}};
  world.write(kEnvPath, EnvFile::parse(world.env(), kEnvPath).patched(edit));
  CycleState state = world.state();
  world.applier().recover(state);
  CHECK(world.env() == EnvFile::parse(kEnvText, kEnvPath).patched(edit));
  CHECK(world.events() == Words{"rollback_started", "rollback_started", "rolled_back"});
  CHECK(world.state().phase == Phase::rolled_back);
}

TEST_CASE("an interrupted change whose values were edited since is given up") {
  ApplierWorld world;
  world.faults.arm(2, FaultPlace::before);
  CHECK_THROWS_AS(world.applier().carry_out(world.state_now, world.request(kStepUp)), Error);
  world.faults.disarm();
  const Patch edit{{"DAG_ROLLOUT_PERCENT", {"0", "77"}}};
  world.write(kEnvPath, EnvFile::parse(kEnvText, kEnvPath).patched(edit));
  CycleState state = world.state();
  const auto done = world.applier().recover(state);
  REQUIRE(done.size() == 1);
  CHECK_THAT(done.front(), Catch::Contains("was given up"));
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "77");
  CHECK(world.state().phase == Phase::rejected);
  CHECK_FALSE(world.state().intent);
  CHECK(world.events().back() == "conflict");
}
