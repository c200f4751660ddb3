#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {
namespace {

using Approval = Decision::Approval;

PolicyValues policy(const std::string& percent, const std::string& timeout = "30000") {
  return {{"DAG_ROLLOUT_PERCENT", percent}, {"DAG_NODE_TIMEOUT_MS", timeout}};
}

PolicyHistory verified(std::vector<PolicyValues> policies,
                       PolicyHistory::ChangeState change = PolicyHistory::ChangeState::none) {
  PolicyHistory history;
  history.verified = std::move(policies);
  history.change = change;
  return history;
}

constexpr auto kUnderVerification = PolicyHistory::ChangeState::under_verification;

TEST_CASE("a ladder step under verification is undone to the last verified policy") {
  const auto target =
      rollback_target(policy("30"), verified({policy("0"), policy("10")}, kUnderVerification), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
  CHECK(target->approval == Approval::not_required);
}

TEST_CASE("a policy change under verification is undone without moving on the ladder") {
  const auto target = rollback_target(
      policy("30", "45000"), verified({policy("10"), policy("30")}, kUnderVerification), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"45000", "30000"}}});
  CHECK(target->approval == Approval::not_required);
}

TEST_CASE("a change is undone to what it replaced, verified or not, an operator's edit included") {
  PolicyHistory history = verified({policy("0")}, kUnderVerification);
  history.before_change = {{"DAG_ROLLOUT_PERCENT", "10"}};
  const auto target = rollback_target(policy("30", "45000"), history, {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
  CHECK(target->approval == Approval::not_required);
}

TEST_CASE("what a change replaced counts only while it is under verification") {
  PolicyHistory history = verified({policy("0")});
  history.before_change = {{"DAG_ROLLOUT_PERCENT", "10"}};
  const auto target = rollback_target(policy("30"), history, {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "0"}}});
}

TEST_CASE("with nothing under verification the latest verified policy at a lower step is taken") {
  const auto target = rollback_target(
      policy("60", "45000"), verified({policy("10"), policy("30"), policy("60", "45000")}), {});
  REQUIRE(target.has_value());
  CHECK(target->patch ==
        Patch{{"DAG_ROLLOUT_PERCENT", {"60", "30"}}, {"DAG_NODE_TIMEOUT_MS", {"45000", "30000"}}});
  CHECK(target->approval == Approval::not_required);
}

TEST_CASE("a verified policy at the same step is no way back while nothing is under verification") {
  const auto target = rollback_target(policy("30", "45000"), verified({policy("30")}), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
  CHECK(target->approval == Approval::required);
}

TEST_CASE("without a verified policy one ladder step down is proposed, for approval") {
  const auto target = rollback_target(policy("60"), {}, {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"60", "30"}}});
  CHECK(target->approval == Approval::required);
}

TEST_CASE("between two steps the next step down is the one below") {
  const auto target = rollback_target(policy("45"), {}, {});
  REQUIRE(target.has_value());
  CHECK(target->patch.at("DAG_ROLLOUT_PERCENT").after == "30");
}

TEST_CASE("at the bottom there is nothing to go back to") {
  CHECK_FALSE(rollback_target(policy("0"), {}, {}).has_value());
  CHECK_FALSE(rollback_target(policy("0"), verified({policy("10"), policy("0")}), {}).has_value());
}

TEST_CASE("at the bottom a policy change under verification is still undone") {
  const auto target =
      rollback_target(policy("0", "45000"), verified({policy("0")}, kUnderVerification), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"45000", "30000"}}});
}

TEST_CASE("undoing never goes up the ladder, even where the last verified policy was higher") {
  // After a rollback from 60 to 10, a change at 10 is under verification.
  const auto target = rollback_target(
      policy("10", "45000"), verified({policy("10"), policy("60")}, kUnderVerification), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"45000", "30000"}}});
}

TEST_CASE("a change under verification without any verified policy goes one step down") {
  const auto target = rollback_target(policy("30"), verified({}, kUnderVerification), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
  CHECK(target->approval == Approval::required);
}

TEST_CASE("keys that the env file lacks are never added by a rollback") {
  PolicyValues old = policy("10");
  old["GONE"] = "1";
  const auto target = rollback_target(policy("30"), verified({old}), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
}

TEST_CASE("keys that an old policy does not know stay as they are") {
  const auto target =
      rollback_target(policy("30", "45000"), verified({{{"DAG_ROLLOUT_PERCENT", "10"}}}), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
}

TEST_CASE("a verified policy without a sound percentage is passed over") {
  const auto target = rollback_target(
      policy("30"), verified({policy("10"), policy("many"), {{"DAG_NODE_TIMEOUT_MS", "1"}}}), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
}

TEST_CASE("the way back may be longer than a step forward") {
  const auto target = rollback_target(policy("100"), verified({policy("0")}), {});
  REQUIRE(target.has_value());
  CHECK(target->patch == Patch{{"DAG_ROLLOUT_PERCENT", {"100", "0"}}});
}

TEST_CASE("values without a sound percentage are a bug of the caller") {
  CHECK_THROWS_AS(rollback_target({}, {}, {}), Error);
  CHECK_THROWS_AS(rollback_target(policy("101"), {}, {}), Error);
}

TEST_CASE("a rollback is told with its time, its steps and its reason") {
  const TimePoint at = *parse_time("2026-02-25T06:00:00Z");
  const auto told = [&](Patch patch) {
    return rollback_text({at, std::move(patch), "too slow"}, "DAG_ROLLOUT_PERCENT");
  };
  CHECK(told({{"DAG_ROLLOUT_PERCENT", {"10", "0"}}}) ==
        "rolled back at 2026-02-25T06:00:00Z from 10 to 0 %, because: too slow");
  CHECK(told({{"A", {"1", "2"}}, {"DAG_ROLLOUT_PERCENT", {"30", "10"}}}) ==
        "rolled back at 2026-02-25T06:00:00Z A from 1 to 2, DAG_ROLLOUT_PERCENT from 30 to 10 %, "
        "because: too slow");
}

TEST_CASE("the canary is lost at 0 % after a rollback alone") {
  PolicyHistory history;
  CHECK_FALSE(has_lost_canary(policy("0"), history, {}));
  history.rolled_back = RolledBack{};
  CHECK(has_lost_canary(policy("0"), history, {}));
  CHECK_FALSE(has_lost_canary(policy("10"), history, {}));
  CHECK_FALSE(has_lost_canary({}, history, {}));
}

}  // namespace
}  // namespace dagloop
