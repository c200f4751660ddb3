// The machine's clock is set back and jumps, between ticks and within one.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "../../support/fault_every.hpp"
#include "../../support/loop_world.hpp"
#include "dagloop/cycle/forward_clock.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr auto kYear = hours(24 * 365);

struct ClockWorld : LoopWorld {
  ClockWorld() { add_runs(kAsOf - hours(48), hours(48), 2); }
  void promote() {
    tick();
    approve();
    REQUIRE(tick().phase == Phase::verifying);
  }
  void serve(Microseconds length, std::uint64_t canary_failed = 0) {
    add_runs(clock.now(), length, 4, canary_failed, Cohort::canary);
    add_runs(clock.now(), length, 4, 0, Cohort::control);
  }
  std::string refusal(const std::vector<Approval>& approvals, const Json& decision) {
    try {
      apply_decision(manual(), TickMode::apply, decision, approvals);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  std::ptrdiff_t count(const std::string& word) {
    const auto all = events();
    return std::count(all.begin(), all.end(), word);
  }
  bool journal_goes_forward() {
    const auto journal = stored.journal();
    return std::is_sorted(journal.begin(), journal.end(), [](const auto& one, const auto& other) {
      return one.event.at < other.event.at;
    });
  }
};

/// A clock that every look finds at another time.
class RestlessClock final : public Clock {
 public:
  explicit RestlessClock(std::vector<TimePoint> times) : times_(std::move(times)) {}
  TimePoint now() const override { return times_[next_++ % times_.size()]; }

 private:
  std::vector<TimePoint> times_;
  mutable std::size_t next_ = 0;
};

}  // namespace

TEST_CASE("what expired does not come back to life when the clock is set back") {
  ClockWorld world;
  world.tick();
  world.approve();
  const Json decision = world.state().pending_decision;
  const Approval approval = world.approval_of(decision);
  world.clock.advance(world.config.policy.approval_ttl);
  world.add_runs(kAsOf, hours(24), 2);
  REQUIRE(world.tick().phase == Phase::expired);
  world.clock.set(kAsOf + hours(1));
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("preflight: clock: reads ") &&
                                      Catch::Contains("set the clock"));
  CHECK_THAT(world.refusal({approval}, decision), Catch::StartsWith("preflight: clock: "));
  // Within the tolerance the loop goes by the later time.
  world.clock.set(kAsOf + world.config.policy.approval_ttl - minutes(1));
  CHECK_THAT(world.refusal({approval}, decision), Catch::Contains("expired"));
  CHECK_NOTHROW(world.tick());
  CHECK(world.env() == kEnvText);
  CHECK(world.count("applied") == 0);
  CHECK(world.journal_goes_forward());
}

TEST_CASE("a clock that was set back holds everything but a rollback") {
  ClockWorld world;
  world.promote();
  const std::string after = world.env();
  world.serve(hours(8));
  world.clock.set(kAsOf - kYear);
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("preflight: clock: "));
  CHECK(world.state().phase == Phase::verifying);
  CHECK(world.env() == after);
  CHECK_NOTHROW(world.tick(TickMode::dry_run));

  SECTION("an operator's rollback is carried out") {
    CHECK(roll_back_policy(world.manual(), TickMode::apply).code == ExitCode::done);
    CHECK(world.env() == kEnvText);
    CHECK(*world.state().cooldown_until >= kAsOf + world.config.decision.cooldown);
  }
  SECTION("an interrupted rollback is carried out by the tick that is then held") {
    world.faults.arm(2, FaultPlace::before);
    CHECK_THROWS_AS(roll_back_policy(world.manual(), TickMode::apply), Error);
    world.faults.disarm();
    REQUIRE(world.state().phase == Phase::applying);
    CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("preflight: clock: "));
    CHECK(world.env() == kEnvText);
    CHECK(world.state().phase == Phase::rolled_back);
  }
  CHECK(world.journal_is_intact());
  CHECK(world.journal_goes_forward());
}

TEST_CASE("a canary that is seen to burn is taken back by whatever clock") {
  ClockWorld world;
  world.promote();
  world.serve(hours(2), 2);
  world.clock.advance(hours(2));
  // An event of now, and nothing decided yet: the tick that would have was killed.
  const std::string allowlist = *world.memory.read(world.config.policy.allowlist);
  world.write(world.config.policy.allowlist, "broken");
  CHECK_THROWS_AS(world.tick(), Error);
  world.write(world.config.policy.allowlist, allowlist);
  CycleState state = world.stored.load();
  world.stored.commit(state,
                      {{world.clock.now(), EventType::refused, "x", "", Json(), Json(), "x"}});
  world.clock.set(kAsOf - hours(30));
  const TickResult result = world.tick();
  CHECK(result.phase == Phase::rolled_back);
  CHECK(world.env() == kEnvText);
  CHECK(world.journal_goes_forward());
}

TEST_CASE("a clock that jumps forward lets approvals expire and settles nothing on old data") {
  for (const Microseconds jump : {Microseconds(hours(7)), Microseconds(hours(24)),
                                  Microseconds(kYear), Microseconds(20 * kYear)}) {
    ClockWorld world;
    world.promote();
    world.serve(hours(1));
    world.clock.advance(hours(1) + jump);
    const TickResult result = world.tick();
    // After three days without runs a person is called.
    CHECK(result.code == (jump < hours(72) ? ExitCode::insufficient : ExitCode::attention));
    CHECK(result.phase == Phase::verifying);
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");

    ClockWorld waiting;
    waiting.tick();
    waiting.approve();
    waiting.clock.advance(jump);
    waiting.tick();
    CHECK(waiting.env() == kEnvText);
    if (jump >= hours(24)) CHECK(waiting.state().phase == Phase::expired);
  }
}

TEST_CASE("a state from a clock that was ahead goes on when the operator accepts the clock") {
  ClockWorld world;
  world.clock.set(kAsOf + 10 * kYear);
  world.add_runs(world.clock.now() - hours(48), hours(48), 2);
  world.promote();
  world.clock.set(kAsOf);
  CHECK_THROWS_WITH(world.tick(), Catch::Contains("--accept-clock"));
  const CycleState before = world.state();
  CHECK(accept_clock(world.manual(), TickMode::dry_run).notes.size() == 1);
  CHECK(world.state() == before);
  accept_clock(world.manual(), TickMode::apply);
  const CycleState state = world.state();
  CHECK(state.phase == Phase::verifying);
  CHECK(state.in_force_since == kAsOf);
  CHECK(state.change->applied_at == kAsOf);
  CHECK_NOTHROW(world.tick());
  CHECK(world.state().phase == Phase::verifying);  // the soak begins anew
  CHECK(world.journal_is_intact());
  accept_clock(world.manual(), TickMode::apply);  // once more changes nothing
  CHECK(world.count("adopted") == 2);
}

TEST_CASE("accepting the clock withdraws what waits and refuses while a change is under way") {
  ClockWorld world;
  world.clock.set(kAsOf + kYear);
  world.add_runs(world.clock.now() - hours(48), hours(48), 2);
  world.tick();
  REQUIRE(world.state().phase == Phase::proposed);
  world.clock.set(kAsOf);
  accept_clock(world.manual(), TickMode::apply);
  CHECK(world.state().phase == Phase::rejected);
  CHECK(world.state().pending_decision.is_null());

  ClockWorld interrupted;
  interrupted.tick();
  interrupted.approve();
  interrupted.faults.arm(3, FaultPlace::before);
  CHECK_THROWS_AS(interrupted.tick(), Error);
  interrupted.faults.disarm();
  REQUIRE(interrupted.state().phase == Phase::applying);
  interrupted.clock.set(kAsOf - hours(3));
  CHECK_THROWS_WITH(accept_clock(interrupted.manual(), TickMode::apply),
                    Catch::StartsWith("conflict: "));
}

TEST_CASE("a clock that moves within a tick never lets time go back") {
  ClockWorld world;
  world.tick();
  world.approve();
  const RestlessClock clock(
      {kAsOf + minutes(3), kAsOf + minutes(1), kAsOf - minutes(2), kAsOf + minutes(9)});
  run_tick({world.files, world.processes, world.store, world.source, clock, world.config},
           TickMode::apply, std::nullopt);
  CHECK(world.journal_is_intact());
  for (const JournalEntry& entry : world.stored.journal()) CHECK(entry.event.at >= kAsOf);
}

TEST_CASE("whatever the clock does, nothing rises without an approval that holds, step by step") {
  for (std::uint64_t seed = 1; seed <= 60; seed += fault_every()) {
    ClockWorld world;
    std::mt19937_64 dice(seed);
    TimePoint latest{};  // that any tick has seen
    for (int step = 0; step < 40; ++step) {
      switch (dice() % 8) {
        case 0:
          world.clock.advance(-hours(dice() % 72));
          break;
        case 1:
          world.clock.advance(hours(dice() % 72));
          break;
        default:
          world.serve(minutes(30));
          world.clock.advance(minutes(30));
      }
      const Json pending = world.state().pending_decision;
      if (!pending.is_null() && dice() % 2 == 0) world.approve();
      const std::string percent = world.value("DAG_ROLLOUT_PERCENT");
      try {
        world.tick();
      } catch (const Error& error) {
        CHECK_THAT(error.what(), Catch::StartsWith("preflight: clock: "));
      }
      INFO("seed " << seed << ", step " << step);
      const TimePoint newest = newest_event_time(world.store);
      REQUIRE(newest >= latest);
      latest = newest;
      if (std::stoi(world.value("DAG_ROLLOUT_PERCENT")) > std::stoi(percent)) {
        REQUIRE_FALSE(pending.is_null());
        REQUIRE(decision_from_json(pending, "p").expires_at > latest);
      }
      REQUIRE(world.journal_is_intact());
    }
  }
}
