// What others do while a tick reads its log, and what a tick does before it reads it.
#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"
#include "dagloop/cycle/hand_proposal.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

/// A canary at 10 % under verification.
struct VerifyingWorld : LoopWorld {
  VerifyingWorld() {
    add_runs(kAsOf - hours(48), hours(48), 2);
    tick();
    approve();
    tick();
    REQUIRE(value("DAG_ROLLOUT_PERCENT") == "10");
  }
  void serve(Microseconds length, std::uint64_t canary_failed = 0) {
    add_runs(clock.now(), length, 4, canary_failed, Cohort::canary);
    add_runs(clock.now(), length, 4, 0, Cohort::control);
    clock.advance(length);
  }
  /// Does something the first `times` that the log is read by the next tick.
  void meanwhile(std::size_t times, std::function<void()> act) {
    const std::size_t before = source.queries().size();
    source.set_meanwhile([times, before, act = std::move(act)](std::size_t reads) {
      if (reads <= before + times) act();
    });
  }
};

}  // namespace

TEST_CASE("a rollback by hand goes through while a tick reads the log, which then reads again") {
  VerifyingWorld world;
  world.serve(hours(7));
  world.meanwhile(1, [&] {
    CHECK(roll_back_policy(world.manual(), TickMode::apply).code == ExitCode::done);
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "0");
  });
  const std::size_t reads = world.source.queries().size();
  const TickResult result = world.tick();
  CHECK(world.source.queries().size() >= reads + 2);
  // The change is not settled by figures of before the rollback.
  CHECK(result.phase == Phase::rolled_back);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "0");
  CHECK(world.journal_is_intact());
}

TEST_CASE("a tick whose ground changes twice ends as a conflict and changes nothing") {
  VerifyingWorld world;
  world.serve(hours(7));
  int edits = 0;
  world.meanwhile(9, [&] {
    world.write(kEnvPath, world.env() + "# edit " + std::to_string(++edits) + "\n", 0640);
  });
  const std::uint64_t version = world.state().version;
  CHECK_THROWS_WITH(world.tick(),
                    Catch::StartsWith("conflict: ") && Catch::Contains("twice while the logs"));
  CHECK(world.state().version == version);
  world.source.set_meanwhile(nullptr);
  CHECK(world.tick().phase == Phase::settled);
}

TEST_CASE("an env file that is edited while the log is read is judged as it is then") {
  VerifyingWorld world;
  world.serve(hours(7));
  world.meanwhile(1, [&] {
    const EnvFile env = EnvFile::parse(world.env(), kEnvPath);
    world.write(kEnvPath, env.patched({{"DAG_NODE_TIMEOUT_MS", {"30000", "20000"}}}), 0640);
  });
  const TickResult result = world.tick();
  CHECK(result.phase != Phase::settled);
  CHECK(world.events().back() == "adopted");
  CHECK(world.value("DAG_NODE_TIMEOUT_MS") == "20000");
}

TEST_CASE("two ticks at once: the one that reads longer sees what the other did") {
  VerifyingWorld world;
  world.serve(hours(7));
  bool is_outer = true;
  world.source.set_meanwhile([&](std::size_t) {
    if (!std::exchange(is_outer, false)) return;
    CHECK(world.tick().phase == Phase::settled);
  });
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::done);
  std::ptrdiff_t verified = 0;
  for (const std::string& word : world.events()) verified += word == "verified" ? 1 : 0;
  CHECK(verified == 1);
  CHECK(world.journal_is_intact());
}

TEST_CASE("an interrupted rollback is carried out although the log cannot be read") {
  for (const std::size_t n : {std::size_t{2}, std::size_t{3}, std::size_t{4}}) {
    VerifyingWorld world;
    world.serve(hours(2));
    world.faults.arm(n, FaultPlace::before);
    CHECK_THROWS_AS(roll_back_policy(world.manual(), TickMode::apply), Error);
    world.faults.disarm();
    REQUIRE(world.state().intent);
    world.source.set_failure("the server hangs");
    CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("source: ") &&
                                        Catch::Contains("the server hangs") &&
                                        Catch::Contains("; done before that: an interrupted "));
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "0");
    CHECK(world.state().phase == Phase::rolled_back);
  }
}

TEST_CASE("a rollback that was decided is carried out although the log cannot be read any more") {
  std::size_t carried_out = 0;
  for (std::size_t n = 1; n <= 8; ++n) {
    VerifyingWorld world;
    world.serve(hours(2), 3);
    world.faults.arm(n, FaultPlace::behind);
    try {
      world.tick();
    } catch (const Error&) {
    }
    world.faults.disarm();
    const auto events = world.events();
    if (events.back() != "verification_failed" && events.back() != "rollback_started") continue;
    CAPTURE(n, events.back());
    world.source.set_failure("the server hangs");
    CHECK_THROWS_WITH(world.tick(), Catch::Contains("done before that"));
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "0");
    CHECK(world.events().back() == "rolled_back");
    CHECK(world.journal_is_intact());
    if (events.back() == "verification_failed") ++carried_out;
  }
  CHECK(carried_out > 0);
}

TEST_CASE("a rollback that a person approved is carried out although the log cannot be read") {
  LoopWorld world;
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=30\n", 0640);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 0, Cohort::control);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 4, Cohort::canary);
  REQUIRE(world.tick().phase == Phase::proposed);
  REQUIRE(world.state().pending_decision.find("action")->as_string() == "rollback");
  world.approve();
  world.source.set_failure("the server hangs");
  CHECK_THROWS_WITH(world.tick(), Catch::Contains("done before that: applied the proposed change"));
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
}

TEST_CASE("an approved promotion waits for the log") {
  LoopWorld world;
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  REQUIRE(world.tick().phase == Phase::proposed);
  world.approve();
  world.source.set_failure("the server hangs");
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("source: "));
  CHECK(world.env() == kEnvText);
  CHECK(world.state().phase == Phase::proposed);
}

TEST_CASE("what goes wrong after a way back names it, whatever it is") {
  LoopWorld world;
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=30\n", 0640);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 0, Cohort::control);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 4, Cohort::canary);
  REQUIRE(world.tick().phase == Phase::proposed);
  world.approve();
  world.source.set_meanwhile(
      [&](std::size_t) { world.write(kEnvPath, world.env() + "# edited\n", 0640); });
  CHECK_THROWS_WITH(world.tick(),
                    Catch::StartsWith("conflict: ") &&
                        Catch::Contains("done before that: applied the proposed change"));
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
}

TEST_CASE("the journal keeps what was approved, and a way back is not the log's decision") {
  LoopWorld world;
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=30\n", 0640);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 0, Cohort::control);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 4, Cohort::canary);
  world.tick();
  const Json patch = *world.state().pending_decision.find("patch");
  world.approve();
  const TickResult result = world.tick();
  REQUIRE(world.value("DAG_ROLLOUT_PERCENT") == "10");
  for (const JournalEntry& entry : world.stored.entries()) {
    if (entry.event.type == EventType::approved) CHECK(entry.event.after == patch);
  }
  // What the log says now is to hold, and that is not made.
  CHECK_THAT(result.headline, Catch::StartsWith("hold at 10 %"));
  CHECK_THAT(result.next.what, Catch::StartsWith("nothing to do; from "));
}

TEST_CASE("an approved way back whose reload hook fails asks for a reload by hand") {
  LoopWorld world;
  world.config.policy.reload = {"svc", "reload"};
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=30\n", 0640);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 0, Cohort::control);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 4, Cohort::canary);
  world.tick();
  world.approve();
  world.processes.answer({3, false, "no such unit"});
  const TickResult result = world.tick();
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  CHECK(result.code == ExitCode::rolled_back);
  CHECK(std::any_of(result.notes.begin(), result.notes.end(), [](const std::string& note) {
    return note.starts_with("applied the proposed change, ") &&
           note.ends_with(", but the reload hook failed: reload by hand");
  }));
}

TEST_CASE("after a reload hook failed the hook is to be mended, not the change approved") {
  LoopWorld world;
  world.config.policy.reload = {"svc", "reload"};
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  world.tick();
  world.approve();
  world.processes.answer({3, false, "no such unit"});
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::rolled_back);
  CHECK_THAT(result.next.what, Catch::StartsWith("mend the reload hook; the loop tries again after "
                                                 "the cool-down, from "));
  CHECK_THAT(result.next.command, Catch::StartsWith("dag_optimization_cycle"));
}

TEST_CASE("of a settled policy, too, a way back is not held up by what the loader reads") {
  VerifyingWorld world;
  world.serve(hours(7));
  REQUIRE(world.tick().phase == Phase::settled);
  world.config.policy.loader = EnvLoader::systemd;  // which takes the comment for the value
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("config: "));  // it would propose
  world.serve(hours(4), 3);
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::negative);
  CHECK(result.phase == Phase::rolled_back);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "0");
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("config: "));  // it would hold
}

TEST_CASE("what held up the first look does not hold up the second where it is mended") {
  VerifyingWorld world;
  world.config.reports.dir = "/pages";
  world.write("/pages", "a file where the directory would be");
  CHECK_THROWS_WITH(world.tick(TickMode::apply, world.clock.now()),
                    Catch::StartsWith("preflight: "));
  world.meanwhile(1, [&] {
    world.memory.remove("/pages");
    world.write(kEnvPath, world.env() + "# edited\n", 0640);
  });
  CHECK(world.tick(TickMode::apply, world.clock.now()).phase == Phase::verifying);
}
