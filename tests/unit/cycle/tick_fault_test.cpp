// Whole ticks are made to fail at their n-th operation; the next tick goes on from there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

using Preparation = std::function<void(LoopWorld&)>;

void prepare_apply(LoopWorld& world) {
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  world.tick();
  world.approve();
}

void prepare_rollback(LoopWorld& world) {
  prepare_apply(world);
  world.tick();
  world.add_runs(kAsOf, hours(2), 4, 2, Cohort::canary);
  world.add_runs(kAsOf, hours(2), 4, 0, Cohort::control);
  world.clock.advance(hours(2));
}

std::ptrdiff_t count(LoopWorld& world, const std::string& word) {
  const auto all = world.events();
  return std::count(all.begin(), all.end(), word);
}

CycleState comparable(CycleState state) {
  state.version = 0;
  return state;
}

/// Lets the tick after `prepare` fail at operation 1, 2, 3 ..., and compares the tick after it with
/// an undisturbed one.
void check_every_fault(const Preparation& prepare, const std::string& completion) {
  LoopWorld undisturbed;
  prepare(undisturbed);
  const std::string old_env = undisturbed.env();
  undisturbed.tick();
  const std::string new_env = undisturbed.env();
  REQUIRE(old_env != new_env);
  for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
    std::size_t n = 1;
    for (bool completed = false; !completed; ++n) {
      REQUIRE(n < 200);
      LoopWorld world;
      prepare(world);
      world.faults.arm(n, place);
      try {
        world.tick();
        completed = true;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::preflight);
      }
      world.faults.disarm();
      CAPTURE(n, world.events());
      CHECK((world.env() == old_env || world.env() == new_env));
      CHECK(world.journal_is_intact());
      if (!completed) world.tick();
      CHECK(world.env() == new_env);
      CHECK(world.journal_is_intact());
      CHECK(comparable(world.state()) == comparable(undisturbed.state()));
      CHECK(count(world, completion) == count(undisturbed, completion));
    }
    CHECK(n > 10);
  }
}

}  // namespace

TEST_CASE("an applying tick that fails anywhere is made good by the next one") {
  check_every_fault(prepare_apply, "applied");
}

TEST_CASE("a tick that rolls back and fails anywhere is made good by the next one") {
  check_every_fault(prepare_rollback, "rolled_back");
}

TEST_CASE("a proposing tick that fails anywhere proposes one change") {
  for (std::size_t n = 1; n < 4; ++n) {
    for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
      LoopWorld world;
      world.add_runs(kAsOf - hours(48), hours(48), 2);
      world.faults.arm(n, place);
      CHECK_THROWS_AS(world.tick(), Error);
      world.faults.disarm();
      world.tick();
      CHECK(count(world, "adopted") == 1);
      CHECK(count(world, "proposed") == 1);
      CHECK(world.env() == kEnvText);
    }
  }
}
