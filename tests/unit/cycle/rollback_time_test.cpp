// A cron job of one minute, simulated: how long it takes from a trigger to the earlier policy.
#include <catch2/catch.hpp>
#include <functional>

#include "../../support/fault_every.hpp"
#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr minutes kPromise{5};

/// A canary at 10 % whose runs fail from some slot on, and a job that ticks every minute.
struct BurningWorld : LoopWorld {
  BurningWorld() {
    add_runs(kAsOf - hours(48), hours(48), 2);
    tick();
    approve();
    tick();
    REQUIRE(value("DAG_ROLLOUT_PERCENT") == "10");
    add_runs(kAsOf, hours(3), 4, 0, Cohort::control);
  }

  void burn_from(TimePoint start) {
    add_runs(kAsOf, start - kAsOf, 4, 0, Cohort::canary);
    add_runs(start, kAsOf + hours(3) - start, 4, 4, Cohort::canary);
  }

  /// Returns the end of the first figures that make a tick want to roll back.
  TimePoint first_trigger() {
    FakeClock later(clock.now());
    while (true) {
      const Json decision = run_tick({files, processes, store, source, later, config},
                                     TickMode::dry_run, std::nullopt)
                                .decision;
      if (decision.find("action")->as_string() == "rollback") {
        return *parse_time(decision.find("as_of")->as_string());
      }
      later.advance(minutes(1));
      REQUIRE(later.now() < kAsOf + hours(3));
    }
  }

  /// Ticks every minute until the earlier policy is in force; `disturb` is told how many ticks have
  /// wanted a rollback so far, before each tick.
  RollbackTiming run_cron(TimePoint trigger, const std::function<void(int)>& disturb) {
    int due = 0;
    while (env() != kEnvText || state().intent) {
      clock.advance(minutes(1));
      REQUIRE(clock.now() < kAsOf + hours(3));
      if (clock.now() >= trigger) disturb(due++);
      try {
        tick();
      } catch (const Error&) {
        // The job's mail; the next tick goes on.
      }
      faults.disarm();
    }
    REQUIRE(state().last_rollback);
    return *state().last_rollback;
  }
};

void undisturbed(int) {}

}  // namespace

TEST_CASE("the earlier policy is in force within a minute of the trigger, whenever the job ticks") {
  for (int offset = 0; offset < 60; offset += fault_every() == 1 ? 7 : 31) {
    for (const minutes start : {minutes(0), minutes(35), minutes(60)}) {
      CAPTURE(offset, start.count());
      BurningWorld world;
      world.clock.advance(seconds(offset));
      world.burn_from(kAsOf + start);
      const TimePoint trigger = world.first_trigger();
      const RollbackTiming timing = world.run_cron(trigger, undisturbed);
      CHECK(timing.trigger_at == trigger);
      CHECK(timing.in_force_at - timing.trigger_at <= minutes(1));
      CHECK(world.journal_is_intact());
    }
  }
}

TEST_CASE("the time counts from the first trigger, however many ticks are lost on the way") {
  for (std::size_t n = 1; n <= 12; n += test::fault_every()) {
    for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
      CAPTURE(n, place == FaultPlace::before);
      BurningWorld world;
      world.clock.advance(seconds(31));
      world.burn_from(kAsOf + minutes(30));
      const TimePoint trigger = world.first_trigger();
      // Three ticks in a row die, or find the disk full, at their n-th operation.
      const RollbackTiming timing = world.run_cron(trigger, [&](int due) {
        if (due < 3) world.faults.arm(n, place);
      });
      CHECK(timing.in_force_at - timing.trigger_at < kPromise);
      CHECK(timing.in_force_at - trigger < kPromise);
      CHECK(world.journal_is_intact());
    }
  }
}

TEST_CASE("a trigger that goes away again leaves no time behind") {
  BurningWorld world;
  world.burn_from(kAsOf + hours(3));  // never
  CycleState state = world.stored.load();
  state.rollback_due_since = world.clock.now();
  world.stored.commit(state,
                      {{world.clock.now(), EventType::adopted, "t", "", Json(), Json(), ""}});
  world.clock.advance(hours(1));
  world.tick();
  CHECK_FALSE(world.state().rollback_due_since);
  CHECK_FALSE(world.state().last_rollback);
  const JournalEvent last = world.stored.journal().back().event;
  CHECK(last.type == EventType::rejected);
  CHECK_THAT(last.why, Catch::Contains("no longer wanted"));
}

TEST_CASE("the report says how long the last rollback took") {
  BurningWorld world;
  world.config.reports.formats = {ReportFormat::md};
  world.burn_from(kAsOf);
  const RollbackTiming timing = world.run_cron(world.first_trigger(), undisturbed);
  const std::string page = *world.memory.read("/reports/dag_quality_latest.md");
  CHECK_THAT(page, Catch::Contains("the earlier policy was in force") &&
                       Catch::Contains(format_time(timing.trigger_at)));
  CHECK(describe_state(world.state(), "DAG_ROLLOUT_PERCENT", world.clock.now())
            .find("last_rollback")
            ->find("seconds")
            ->as_number() ==
        std::chrono::duration<double>(timing.in_force_at - timing.trigger_at).count());
}
