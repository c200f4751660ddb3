// What a loop does with rules whose changes do not help.
#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

constexpr const char* kKey = "DAG_RETRY_BACKOFF_MS";

/// A service at the ladder's top whose tool answers every tenth run with a server error, and a rule
/// that waits longer between attempts.
struct StruggledOn : LoopWorld {
  StruggledOn() {
    write(kEnvPath, "DAG_ROLLOUT_PERCENT=100\nDAG_RETRY_BACKOFF_MS=200\n", 0640);
    write(config.policy.allowlist, R"({"schema": "dagloop.policy_allowlist/1", "keys": [
      {"name": "DAG_ROLLOUT_PERCENT", "type": "int", "min": 0, "max": 100, "max_step": 40,
       "default": "0", "owner": "o", "description": "d"},
      {"name": "DAG_RETRY_BACKOFF_MS", "type": "duration_ms", "min": 50, "max": 10000,
       "max_step": 2000, "default": "200", "owner": "o", "description": "d"}]})");
    write(config.policy.rules, R"({"schema": "dagloop.policy_rules/1", "rules": [
      {"id": "raise-backoff", "group": "g", "rank": 1,
       "when": [{"kpi": "error_rate.server", "comparator": ">=", "threshold": 0.05}],
       "then": {"env_key": "DAG_RETRY_BACKOFF_MS", "operation": "multiply", "operand": "1.5"},
       "reason": "r", "expected_effect": "e"}]})");
    add_errors(kAsOf - hours(48), hours(48), 2);
  }

  /// Adds 20 runs to each slot, `failed` of them with a server error.
  void add_errors(TimePoint from, Microseconds length, std::uint64_t failed) {
    for (TimePoint slot = floor_to_slot(from); slot < from + length; slot += kSlot) {
      source.add(slot, make_runs_with_errors(20, 20 - failed, {{"503", failed}}));
    }
  }

  /// Proposes, approves, applies and verifies, with `failed` errors a slot from then on.
  void go_round(std::uint64_t failed) {
    tick();
    if (!state().pending_decision.is_null()) {
      approve();
      tick();
    }
    add_errors(clock.now(), hours(8), failed);
    clock.advance(hours(8));
    tick();
  }

  std::string why_verified() {
    for (auto each = stored.entries().rbegin(); each != stored.entries().rend(); ++each) {
      if (each->event.type == EventType::verified) return each->event.why;
    }
    return "";
  }
};

}  // namespace

TEST_CASE("a rule whose change had no effect is not used again") {
  StruggledOn world;
  for (int round = 0; round < 9; ++round) world.go_round(2);
  CHECK(world.value(kKey) == "300");  // and not 5126
  const TickResult result = world.tick();
  const auto& reasons = result.decision.find("reasons")->as_array();
  const bool is_told = std::any_of(reasons.begin(), reasons.end(), [](const Json& reason) {
    return reason.find("code")->as_string() == "rule_had_no_effect";
  });
  CHECK(is_told);
}

TEST_CASE("what the loop settles on while the gate fails is told truthfully") {
  StruggledOn world;
  world.config.gate = {
      {"error_rate.server", Population::dag, Comparator::at_most, 0.05, 20, Severity::fail}};
  world.go_round(2);
  REQUIRE(world.value(kKey) == "300");
  CHECK_THAT(world.why_verified(), Catch::Contains("fails no worse since"));
  CHECK_THAT(world.why_verified(), Catch::Contains("not worse than no change"));
  CHECK_THAT(world.why_verified(), !Catch::Contains("passed"));
}

TEST_CASE("a rule whose change helped is used again, and one more time after the figure moved") {
  StruggledOn world;
  world.add_errors(kAsOf - hours(48), hours(48), 3);  // 5 of 40 in all: 12.5 %
  world.go_round(2);                                  // 10 %: it helped
  REQUIRE(world.value(kKey) == "300");
  world.go_round(2);
  CHECK(world.value(kKey) == "450");  // no effect
  world.go_round(2);
  CHECK(world.value(kKey) == "450");
  world.add_errors(world.clock.now(), hours(48), 3);  // 15 %: another situation
  world.clock.advance(hours(48));
  world.go_round(3);
  CHECK(world.value(kKey) == "675");
  world.go_round(3);
  CHECK(world.value(kKey) == "675");
}

TEST_CASE("a value that was rolled back is not proposed again") {
  StruggledOn world;
  world.tick();
  world.approve();
  world.tick();
  REQUIRE(world.value(kKey) == "300");
  world.add_errors(world.clock.now(), hours(1), 14);
  world.clock.advance(hours(1));
  world.tick();
  REQUIRE(world.value(kKey) == "200");
  REQUIRE(world.state().predictions.size() == 1);
  CHECK(world.state().predictions.front().is_undone);
  world.add_errors(world.clock.now(), hours(72), 2);
  world.clock.advance(hours(72));
  world.tick();
  CHECK(world.state().pending_decision.is_null());
  CHECK(world.value(kKey) == "200");
}

TEST_CASE("every applied change gets its entry, with what its rule named") {
  StruggledOn world;
  world.go_round(2);
  REQUIRE(world.state().predictions.size() == 1);
  const LedgerEntry entry = world.state().predictions.front();
  CHECK(entry.rule == "raise-backoff");
  CHECK_FALSE(entry.prediction);
  REQUIRE(entry.figure);
  CHECK(entry.figure->kpi == "error_rate.server");
  CHECK(entry.figure->value == Approx(0.1));
  REQUIRE(entry.outcome);
  REQUIRE(entry.outcome->figure);
  CHECK(entry.outcome->figure->change == Approx(0).margin(1e-9));
  CHECK_FALSE(has_helped(entry));
}

TEST_CASE("what was before a change is never told across the change before it") {
  StruggledOn world;
  world.add_errors(kAsOf - hours(48), hours(48), 3);
  world.go_round(2);
  world.tick();
  world.approve();
  world.tick();
  REQUIRE(world.state().change);
  REQUIRE(world.state().change->before_since);
  const TimePoint applied = world.state().change->applied_at;
  const TimePoint before = *world.state().change->before_since;
  CHECK(applied - before < hours(24));
  world.add_errors(world.clock.now(), hours(8), 2);
  world.clock.advance(hours(8));
  world.tick();
  const Outcome outcome = *world.state().predictions.back().outcome;
  const auto slots = static_cast<std::uint64_t>((floor_to_slot(applied) - before) / kSlot) + 1;
  CHECK(outcome.runs_before <= 20 * slots);
}
