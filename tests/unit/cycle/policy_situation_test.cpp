#include "dagloop/cycle/policy_situation.hpp"

#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/cycle/applier.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

const std::string kStepped =
    EnvFile::parse(kEnvText, kEnvPath).patched({{"DAG_ROLLOUT_PERCENT", {"0", "10"}}});

struct SituationWorld : LoopWorld {
  PolicySituation find(TickMode mode, std::function<TimePoint(const CycleState&)> prepare = {}) {
    return find_situation(context, stored.load(), {mode, "was interrupted", std::move(prepare)},
                          notes);
  }
  /// Stops a step up right behind its intent.
  void interrupt() {
    CycleState state = find(TickMode::apply).state;
    const Allowlist allowlist = read_allowlist(memory, config.policy);
    const Patch step{{"DAG_ROLLOUT_PERCENT", {"0", "10"}}};
    faults.arm(2, FaultPlace::before);
    CHECK_THROWS_AS(Applier(context, allowlist)
                        .carry_out(state, {ChangeKind::apply, step, sha256_hex(env()), "d1", "why",
                                           clock.now(), clock.now()}),
                    Error);
    faults.disarm();
    notes.clear();
  }

  ChangeContext context{files, processes, store, clock, config, "somebody"};
  Words notes;
};

}  // namespace

TEST_CASE("a situation holds the env file, its allowlisted values and the state with them") {
  for (const TickMode mode : {TickMode::dry_run, TickMode::apply}) {
    SituationWorld world;
    const PolicySituation found = world.find(mode);
    const PolicyValues values{{"DAG_ROLLOUT_PERCENT", "0"}, {"DAG_NODE_TIMEOUT_MS", "30000"}};
    CHECK(found.values == values);
    CHECK(found.state.in_force == values);
    CHECK(found.env.text() == kEnvText);
    CHECK(found.env_sha256 == sha256_hex(kEnvText));
    CHECK_FALSE(found.interrupted);
    CHECK_THAT(world.notes.at(0), Catch::Contains("for the first time"));
    // A dry run keeps nothing of what it saw.
    CHECK(world.events() == (mode == TickMode::apply ? Words{"adopted"} : Words{}));
    if (mode == TickMode::apply) CHECK(world.stored.entries().back().event.actor == "somebody");
  }
}

TEST_CASE("a situation to apply from has an interrupted change recovered, before it is prepared") {
  SituationWorld world;
  world.interrupt();
  Phase prepared_with = Phase::idle;
  const PolicySituation found = world.find(TickMode::apply, [&](const CycleState& state) {
    CHECK_FALSE(state.intent);
    prepared_with = state.phase;
    return world.clock.now();
  });
  CHECK(prepared_with == found.state.phase);
  REQUIRE(found.interrupted);
  CHECK(found.interrupted->decision_digest == "d1");
  CHECK_FALSE(world.state().intent);
  CHECK_THAT(world.notes.at(0), Catch::Contains("was taken back: nothing had been written"));
  CHECK(world.events() == Words{"adopted", "apply_started", "undone"});
}

TEST_CASE(
    "a situation for a dry run leaves an interrupted change, and says so in the tool's words") {
  SituationWorld world;
  world.interrupt();
  const PolicySituation found = world.find(TickMode::dry_run);
  CHECK(found.interrupted);
  CHECK(found.state.intent);
  CHECK(world.notes == Words{"was interrupted"});
  CHECK(world.events() == Words{"adopted", "apply_started"});
}

TEST_CASE(
    "the env file is read behind the preparation, which says from when on its policy counts") {
  SituationWorld world;
  world.find(TickMode::apply);
  const TimePoint since = world.clock.now() + std::chrono::hours(1);
  const PolicySituation found = world.find(TickMode::apply, [&](const CycleState&) {
    world.write(kEnvPath, kStepped, 0640);
    return since;
  });
  CHECK(found.values.at("DAG_ROLLOUT_PERCENT") == "10");
  CHECK(found.state.in_force_since == since);
  CHECK(world.stored.entries().back().event.at == world.clock.now());
}

TEST_CASE("where the preparation fails nothing of the env file is taken over") {
  SituationWorld world;
  CHECK_THROWS_AS(world.find(TickMode::apply,
                             [](const CycleState&) -> TimePoint {
                               throw Error(ErrorKind::preflight, "here", "does not hold",
                                           "mend it");
                             }),
                  Error);
  CHECK(world.events().empty());
}

TEST_CASE("one change holds the lock; a dry run takes none") {
  SituationWorld world;
  const auto held = lock_for_change(world.context, TickMode::apply, "wait");
  CHECK(held != nullptr);
  CHECK_THROWS_WITH(lock_for_change(world.context, TickMode::apply, "wait for it"),
                    "conflict: memory: another change holds the lock; wait for it");
  CHECK(lock_for_change(world.context, TickMode::dry_run, "wait") == nullptr);
}
