#include "dagloop/cycle/drill.hpp"

#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"
#include "dagloop/base/json_schema.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

/// A clock on which every look takes a second.
class TickingClock final : public Clock {
 public:
  TimePoint now() const override { return now_ += std::chrono::seconds(1); }

 private:
  mutable TimePoint now_ = kAsOf;
};

struct DrillWorld : LoopWorld {
  DrillResult drill() {
    return rehearse_rollback({files, ticking, config, store, rehearsal, processes});
  }
  /// Brings the service to 10 %, verified unless told otherwise.
  void promote(bool verified) {
    add_runs(kAsOf - hours(48), hours(48), 2);
    tick();
    approve();
    tick();
    if (!verified) return;
    add_runs(clock.now(), hours(7), 4, 0, Cohort::canary);
    add_runs(clock.now(), hours(7), 4, 0, Cohort::control);
    clock.advance(hours(7));
    REQUIRE(tick().phase == Phase::settled);
  }

  TickingClock ticking;
  MemoryStateStore rehearsal;
};

/// Everything that a drill must leave alone.
struct Snapshot {
  explicit Snapshot(DrillWorld& world)
      : env(world.env()), state(world.state()), events(world.events()) {}
  bool operator==(const Snapshot&) const = default;
  std::string env;
  CycleState state;
  std::vector<std::string> events;
};

std::string word(const DrillResult& result) { return std::string(to_string(result.scene)); }

}  // namespace

TEST_CASE("a drill of a service that the loop never touched takes a pretended step back") {
  DrillWorld world;
  const Snapshot before(world);
  const DrillResult result = world.drill();
  CHECK(word(result) == "pretended_step");
  CHECK(result.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"10", "0"}}});
  CHECK(result.took >= std::chrono::seconds(1));
  CHECK(Snapshot(world) == before);
  CHECK_FALSE(world.memory.read(kEnvPath + ".drill"));
  CHECK(world.rehearsal.load().phase == Phase::rolled_back);
}

TEST_CASE("a drill rolls the change under verification back, in the copy alone") {
  for (const bool verified : {false, true}) {
    CAPTURE(verified);
    DrillWorld world;
    world.promote(verified);
    const Snapshot before(world);
    const DrillResult result = world.drill();
    CHECK(word(result) == "earlier_policy");
    CHECK(result.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"10", "0"}}});
    CHECK(Snapshot(world) == before);
    CHECK(world.drill().patch == result.patch);  // again, over the state of the one before
  }
}

TEST_CASE("a drill at the top of the ladder pretends a step down") {
  DrillWorld world;
  world.config.decision.ladder = {0, 10};
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=10\nDAG_NODE_TIMEOUT_MS=30000\n", 0640);
  CHECK(world.drill().patch == Patch{{"DAG_ROLLOUT_PERCENT", {"0", "10"}}});
}

TEST_CASE("a drill does not run the reload hook, and says so") {
  DrillWorld world;
  world.config.policy.reload = {"systemctl", "reload", "svc"};
  const DrillResult result = world.drill();
  CHECK(world.processes.runs().empty());
  CHECK_THAT(drill_text(result, world.config), Catch::Contains("not rehearsed: the reload hook"));
}

TEST_CASE("a drill that fails at any operation leaves everything but the copy as it was") {
  for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
    for (std::size_t n = 1; n < 20; ++n) {
      CAPTURE(n);
      DrillWorld world;
      world.promote(false);
      const Snapshot before(world);
      world.faults.arm(n, place, FaultLength::once);
      try {
        world.drill();
      } catch (const Error&) {
        // Said to the operator.
      }
      CHECK(Snapshot(world) == before);
      world.faults.disarm();
      CHECK_NOTHROW(world.drill());
      CHECK_FALSE(world.memory.read(kEnvPath + ".drill"));
    }
  }
}

TEST_CASE("a drill is refused while a change is interrupted, and without a rollout key") {
  DrillWorld world;
  CycleState state;
  state.phase = Phase::applying;
  state.intent = Intent{};
  world.stored.commit(state, {});
  CHECK_THROWS_WITH(world.drill(), Catch::StartsWith("conflict: "));
  DrillWorld other;
  other.write(kEnvPath, "DAG_ROLLOUT_PERCENT=many\n", 0640);
  CHECK_THROWS_WITH(other.drill(), Catch::StartsWith("config: ") && Catch::Contains("percent"));
}

TEST_CASE("the document of a drill is valid by its schema") {
  DrillWorld world;
  const Json document = drill_to_json(world.drill());
  CHECK_NOTHROW(validate_schema(document, "rollback_drill", "d"));
  CHECK(document.find("seconds")->as_number() >= 1);
}

TEST_CASE("the state of a drill lies beside the real one, never in its place") {
  CHECK(drill_state_uri("sqlite:state/a.db") == "sqlite:state/a.db.drill");
  CHECK(drill_state_uri("postgresql://u@h/d") == "postgresql://u@h/d?state_name=default/drill");
  CHECK(drill_state_uri("postgresql://u@h/d?state_name=a") ==
        "postgresql://u@h/d?state_name=a/drill");
  CHECK(drill_state_uri("postgresql://u@h/d?state_name=a&sslmode=require") ==
        "postgresql://u@h/d?sslmode=require&state_name=a/drill");
}
