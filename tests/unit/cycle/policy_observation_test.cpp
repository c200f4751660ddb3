// What the loop makes of the policy that it finds.
#include "dagloop/cycle/policy_observation.hpp"

#include <catch2/catch.hpp>

using namespace dagloop;
using std::chrono::hours;

namespace {

constexpr TimePoint kNow{std::chrono::sys_days{std::chrono::year{2026} / 2 / 25}};
const Observation kObservation{"ops", kNow, kNow - hours(3)};
const PolicyValues kFound{{"DAG_ROLLOUT_PERCENT", "30"}};
const PolicyValues kEdited{{"DAG_ROLLOUT_PERCENT", "60"}};

}  // namespace

TEST_CASE("the first policy seen is adopted as one to go back to, of unknown age") {
  CycleState state;
  const auto events = observe_policy(state, kFound, kObservation);
  REQUIRE(events.size() == 1);
  CHECK(events.front().type == EventType::adopted);
  CHECK(events.front().at == kNow);
  CHECK(events.front().actor == "ops");
  CHECK(events.front().before.is_null());
  CHECK(events.front().after == values_to_json(kFound));
  CHECK(state.in_force == kFound);
  CHECK(state.verified == std::vector{kFound});
  CHECK_FALSE(state.in_force_since);
}

TEST_CASE("a policy that is the one in force is no event and changes nothing") {
  CycleState state;
  state.in_force = kFound;
  const CycleState before = state;
  CHECK(observe_policy(state, kFound, kObservation).empty());
  CHECK(state == before);
}

TEST_CASE("a foreign edit counts from when it was seen and is not a policy to go back to") {
  CycleState state;
  observe_policy(state, kFound, kObservation);
  const auto events = observe_policy(state, kEdited, kObservation);
  REQUIRE(events.size() == 1);
  CHECK(events.front().before == values_to_json(kFound));
  CHECK(events.front().after == values_to_json(kEdited));
  CHECK(events.front().why == "changed outside the loop");
  CHECK(state.in_force == kEdited);
  CHECK(state.in_force_since == kObservation.effective_at);
  CHECK(state.verified == std::vector{kFound});
}

TEST_CASE("a foreign edit ends a verification under way") {
  CycleState state;
  state.in_force = kFound;
  state.verified = {{{"DAG_ROLLOUT_PERCENT", "10"}}};
  state.phase = Phase::verifying;
  state.change =
      ChangeUnderVerification{"d1", {{"DAG_ROLLOUT_PERCENT", {"10", "30"}}}, kNow, kNow - hours(3)};
  const auto events = observe_policy(state, kEdited, kObservation);
  REQUIRE(events.size() == 1);
  CHECK_THAT(events.front().why, Catch::Contains("can no longer be judged"));
  CHECK_FALSE(state.change);
  CHECK(state.phase == Phase::idle);
}

TEST_CASE("a foreign edit leaves a proposal to be judged by the env file's hash") {
  CycleState state;
  state.in_force = kFound;
  state.phase = Phase::proposed;
  state.pending_decision = Json("a decision");
  observe_policy(state, kEdited, kObservation);
  CHECK(state.phase == Phase::proposed);
  CHECK_FALSE(state.pending_decision.is_null());
}

TEST_CASE("a decision knows of a change under verification only while it is verified") {
  CycleState state;
  state.verified = {kFound, kEdited};
  state.in_force_since = kNow - hours(1);
  state.cooldown_until = kNow + hours(1);
  for (const Phase phase : {Phase::idle, Phase::proposed, Phase::settled, Phase::rolled_back}) {
    state.phase = phase;
    CHECK(policy_history(state).change == PolicyHistory::ChangeState::none);
  }
  state.phase = Phase::verifying;
  state.change =
      ChangeUnderVerification{"d1", {{"DAG_ROLLOUT_PERCENT", {"10", "30"}}}, kNow, kNow - hours(3)};
  const PolicyHistory history = policy_history(state);
  CHECK(history.change == PolicyHistory::ChangeState::under_verification);
  CHECK(history.before_change == PolicyValues{{"DAG_ROLLOUT_PERCENT", "10"}});
  CHECK(history.before_since == state.change->before_since);
  CHECK(history.verified == state.verified);
  CHECK(history.in_force_since == state.in_force_since);
  CHECK(history.cooldown_until == state.cooldown_until);
}
