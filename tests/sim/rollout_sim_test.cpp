// Whole lives of the loop, thousands of ticks a test case, each from a seed.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "simulated_life.hpp"

using namespace dagloop;
using namespace dagloop::sim;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

#ifdef NDEBUG
constexpr std::uint64_t kLives = 200;
#else
constexpr std::uint64_t kLives = 6;  // ten times slower each
#endif

/// How many lives a test case lives; DAGLOOP_SIM_LIVES for a long night.
std::uint64_t lives() {
  const char* text = std::getenv("DAGLOOP_SIM_LIVES");
  return text == nullptr ? kLives : std::strtoull(text, nullptr, 10);
}

OperatorNature always_approves() {
  OperatorNature person;
  person.approves = 1;
  person.edits_env_file = person.edits_elsewhere = 0;
  person.rolls_back = person.applies_by_hand = person.runs_dry = person.breaks_something = 0;
  return person;
}

LifeNature drawn_nature(std::uint64_t seed) {
  Dice dice(seed);
  LifeNature nature;
  nature.service = draw_nature(dice);
  nature.person.approves = static_cast<double>(dice.roll(11)) / 10;
  nature.tick_every = minutes(5) * static_cast<int>(1 + dice.roll(12));
  return nature;
}

}  // namespace

TEST_CASE("every invariant holds in every life, whatever service and operator do") {
  int env_writes = 0;
  for (std::uint64_t seed = 1; seed <= lives(); ++seed) {
    SimulatedLife life(seed, drawn_nature(seed));
    for (int tick = 0; tick < 80 && life.fault().empty(); ++tick) life.step();
    INFO("seed " << seed << "\n" << life.history());
    REQUIRE(life.fault() == "");
    env_writes += life.env_writes();
  }
  CHECK(env_writes > static_cast<int>(lives()));  // the lives were not spent waiting
}

TEST_CASE("the same seed gives the same journal and the same env file, byte for byte") {
  for (std::uint64_t seed = 1; seed <= lives() / 4; ++seed) {
    SimulatedLife one(seed, drawn_nature(seed));
    SimulatedLife other(seed, drawn_nature(seed));
    for (int tick = 0; tick < 40; ++tick) {
      one.step();
      other.step();
    }
    INFO("seed " << seed);
    REQUIRE(one.history() == other.history());
  }
}

TEST_CASE(
    "a faultless service whose operator approves reaches the top of the ladder and stays there") {
  for (std::uint64_t seed = 1; seed <= lives() / 4; ++seed) {
    LifeNature nature;
    nature.person = always_approves();
    nature.service.control_failures = nature.service.canary_failures = 0;
    nature.service.runs_per_slot = 40;
    SimulatedLife life(seed, nature);
    for (int tick = 0; tick < 48 && life.percent() < 100; ++tick) life.step();
    INFO("seed " << seed << "\n" << life.history());
    CHECK(life.percent() == 100);
    for (int tick = 0; tick < 12; ++tick) life.step();
    CHECK(life.percent() == 100);
    CHECK(life.phase() == Phase::settled);
    CHECK(life.fault() == "");
  }
}

TEST_CASE("a service that breaks above a step is never left beyond it for long") {
  for (std::uint64_t seed = 1; seed <= lives() / 4; ++seed) {
    LifeNature nature;
    nature.person = always_approves();
    nature.service.breaks_above = 10;
    nature.service.failures_when_broken = 0.4;
    nature.service.runs_per_slot = 40;
    SimulatedLife life(seed, nature);
    int beyond = 0;  // ticks in a row
    int reached = 0;
    for (int tick = 0; tick < 80; ++tick) {
      life.step();
      reached = std::max(reached, life.percent());
      beyond = life.percent() > 10 ? beyond + 1 : 0;
      INFO("seed " << seed << "\n" << life.history());
      REQUIRE(beyond <= 1);  // applied in one tick, taken back in the next
    }
    CHECK(reached == 30);
    CHECK(life.fault() == "");
  }
}

TEST_CASE("without an operator nothing is ever applied") {
  for (std::uint64_t seed = 1; seed <= lives() / 4; ++seed) {
    LifeNature nature = drawn_nature(seed);
    nature.person = always_approves();
    nature.person.approves = 0;
    SimulatedLife life(seed, nature);
    for (int tick = 0; tick < 40; ++tick) life.step();
    CHECK(life.percent() == 0);
    CHECK(life.env_writes() == 0);
    CHECK(life.fault() == "");
  }
}
