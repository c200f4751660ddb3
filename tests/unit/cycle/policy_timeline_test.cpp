#include "dagloop/cycle/policy_timeline.hpp"

#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"
#include "dagloop/cycle/policy_observation.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

void check_equal(const PolicyHistory& a, const PolicyHistory& b) {
  CHECK(a.change == b.change);
  CHECK(a.before_change == b.before_change);
  CHECK(a.before_since == b.before_since);
  CHECK(a.verified == b.verified);
  CHECK(a.in_force_since == b.in_force_since);
  CHECK(a.cooldown_until == b.cooldown_until);
  CHECK(a.rolled_back.has_value() == b.rolled_back.has_value());
}

}  // namespace

TEST_CASE("a journal tells at every time what the state of the loop knew then") {
  LoopWorld world;
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  struct Seen {
    TimePoint at;
    PolicyValues values;
    PolicyHistory history;
  };
  std::vector<Seen> all;
  const auto live = [&](std::uint64_t canary_failed) {
    world.clock.advance(minutes(1));
    const CycleState state = world.state();
    all.push_back({world.clock.now(), state.in_force, policy_history(state)});
    world.add_runs(world.clock.now(), hours(7), 4, canary_failed, Cohort::canary);
    world.add_runs(world.clock.now(), hours(7), 4, 0, Cohort::control);
    world.clock.advance(hours(7));
    world.tick();
  };
  const auto promote = [&] {
    world.tick();
    world.approve();
    world.tick();
  };
  promote();  // to 10 %
  live(0);    // verified
  promote();  // to 30 %
  live(4);    // back to 10 %
  world.clock.advance(hours(30));
  world.add_runs(world.clock.now() - hours(24), hours(24), 4, 0, Cohort::canary);
  world.add_runs(world.clock.now() - hours(24), hours(24), 4, 0, Cohort::control);
  promote();  // to 30 % again
  live(4);    // back once more: twice the cool-down
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=60\nDAG_NODE_TIMEOUT_MS=30000\n", 0640);
  world.tick();
  live(0);
  live(0);
  const auto timeline = policies_of_journal(world.stored.entries(), world.config.decision.cooldown);
  REQUIRE(timeline);
  for (const Seen& seen : all) {
    CAPTURE(format_time(seen.at));
    CHECK(timeline->before(seen.at).values == seen.values);
    check_equal(timeline->before(seen.at).history, seen.history);
  }
  const auto events = world.events();
  CHECK(std::count(events.begin(), events.end(), "rolled_back") == 2);
  CHECK(std::count(events.begin(), events.end(), "verified") == 1);
  CHECK(std::count(events.begin(), events.end(), "adopted") == 2);
}

TEST_CASE("before a journal begins, its first policy was in force, and nothing is known of it") {
  LoopWorld world;
  world.tick();
  const auto timeline = policies_of_journal(world.stored.entries(), hours(24));
  REQUIRE(timeline);
  const PolicyPeriod& before = timeline->before(kAsOf - hours(100));
  CHECK(before.values == world.state().in_force);
  CHECK(before.history.verified.empty());
  CHECK_FALSE(before.history.in_force_since);
  CHECK_FALSE(policies_of_journal({}, hours(24)));
}

TEST_CASE("percentages as given change the rollout key alone, each from its time on") {
  const PolicyValues values{{"KEY", "7"}, {"PERCENT", "0"}};
  const PolicyTimeline timeline =
      policies_of_percents(values, "PERCENT", {{std::nullopt, 10}, {kAsOf, 30}});
  CHECK(timeline.before(kAsOf).values.at("PERCENT") == "10");
  CHECK_FALSE(timeline.before(kAsOf).history.in_force_since);
  const PolicyPeriod& after = timeline.before(kAsOf + minutes(5));
  CHECK(after.values == PolicyValues{{"KEY", "7"}, {"PERCENT", "30"}});
  CHECK(after.history.in_force_since == kAsOf);
}
