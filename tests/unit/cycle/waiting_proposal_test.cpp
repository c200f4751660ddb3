// A proposal that waits for its approval is judged again at every tick.
#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

bool tells(const TickResult& result, const std::string& text) {
  const auto& notes = result.notes;
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

/// A canary at 10 % that was well for a day: the step to 30 % is proposed, and was approved.
struct WaitingWorld : LoopWorld {
  WaitingWorld() {
    config.decision.evidence.mode = EvidenceMode::sequential;
    write(kEnvPath, "DAG_ROLLOUT_PERCENT=10\nDAG_NODE_TIMEOUT_MS=30000\n", 0640);
    live(hours(24), 0);
    proposed = tick();
    approve();
  }
  void live(Microseconds length, std::uint64_t failed) {
    add_runs(clock.now(), length, 2, failed, Cohort::canary);
    add_runs(clock.now(), length, 8, 0, Cohort::control);
    clock.advance(length);
  }

  TickResult proposed;
};

}  // namespace

TEST_CASE("an approved step is applied where the figures still support it") {
  WaitingWorld world;
  REQUIRE(world.proposed.phase == Phase::proposed);
  CHECK(world.tick().phase == Phase::verifying);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "30");
}

TEST_CASE("whoever is to approve is told what the present figures say") {
  WaitingWorld world;
  world.memory.remove("/approvals/dag_policy_approval_latest.json");
  world.live(hours(1), 0);
  const TickResult result = world.tick();
  CHECK(tells(result, "judged again, the present figures support it"));
  // The figures on the terminal are the tick's, not those of the day when it was proposed.
  CHECK(result.headline == "promote from 10 % to 30 %, waits for an approval; the gate passes");
  CHECK(result.why.find("gate_pass: the gate passed") != std::string::npos);
  CHECK(result.next.what.starts_with("approve it until "));
  CHECK(result.next.command.starts_with("approve_dag_policy --decision "));
}

TEST_CASE("an approved step is withdrawn, not applied, where a crossed line may still be noise") {
  WaitingWorld world;
  world.config.decision.triggers.success_drop_pp = 1;
  world.live(minutes(15), 2);
  const Json patch = *world.state().pending_decision.find("patch");
  const TickResult result = world.tick();
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  CHECK(result.phase == Phase::rejected);
  CHECK(tells(result, "withdrawn: the figures no longer support it"));
  CHECK(world.events().back() == "rejected");
  for (const JournalEntry& entry : world.stored.entries()) {
    CAPTURE(to_string(entry.event.type), entry.event.why, to_compact_json(entry.event.after));
    if (entry.event.type == EventType::rejected) CHECK(entry.event.after == patch);
  }
}

TEST_CASE("a crossed line withdraws a step also while the gate has too few runs") {
  WaitingWorld world;
  world.config.decision.triggers.success_drop_pp = 1;
  world.config.gate.push_back(
      {"fanout_failed_rate", Population::dag, Comparator::at_most, 0.1, 20, Severity::fail});
  world.tick();
  REQUIRE(world.state().phase == Phase::proposed);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  world.live(minutes(15), 2);
  const TickResult result = world.tick();
  CHECK(result.phase == Phase::rejected);
  CHECK(world.state().pending_decision.is_null());
  CHECK(tells(result, "success"));
}
