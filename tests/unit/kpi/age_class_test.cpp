#include "dagloop/kpi/age_class.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "awkward_log.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

int class_of(int end_minute, double minutes) {
  return AgeClass::of(at_minute(end_minute), minutes * 60'000).number();
}

}  // namespace

TEST_CASE("a run's age class counts the slots from its start to its end") {
  CHECK(class_of(12, 0) == 0);
  CHECK(class_of(12, 2) == 0);  // began as its slot did
  CHECK(class_of(12, 2.001) == 1);
  CHECK(class_of(12, 7) == 1);
  CHECK(class_of(12, 7.001) == 2);
  CHECK(class_of(12, 12.001) == 3);
  CHECK(class_of(12, 22) == 3);
  CHECK(class_of(12, 22.001) == 4);
  CHECK(class_of(12, 42.001) == 5);
}

TEST_CASE("a run of which no start is known is in the first class, the longest in the last") {
  CHECK(class_of(12, -1.0 / 60'000) == 0);
  CHECK(AgeClass::of(at_minute(0), 8'192 * 300'000.0).number() == 14);
  CHECK(AgeClass::of(at_minute(0), 8'192 * 300'000.0 + 1).number() == AgeClass::kLast);
  CHECK(AgeClass::of(at_minute(0), 1e300).number() == AgeClass::kLast);
}

TEST_CASE("what a class says of a run's start is true, and no more than twice too early") {
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto minutes = static_cast<double>(random.below(60'000'000)) / 1'000;
    const TimePoint end = at_minute(0) + Microseconds(random.below(1'000'000'000));
    const AgeClass age = AgeClass::of(end, minutes * 60'000);
    const TimePoint start = end - Microseconds(std::llround(minutes * 60'000'000));
    if (age.number() == AgeClass::kLast) continue;
    const TimePoint earliest = floor_to_slot(end) - age.oldest_slots() * kSlot;
    REQUIRE(start >= earliest);
    REQUIRE(age.surely_began(floor_to_slot(end), earliest));
    REQUIRE_FALSE(age.surely_began(floor_to_slot(end), earliest + Microseconds(1)));
    REQUIRE(floor_to_slot(end) - earliest <= 2 * (floor_to_slot(end) - floor_to_slot(start)));
  }
}

TEST_CASE("partials are apart by age class, and runs that are not over are in the first") {
  OwnedRecord brief = make_record("r1", 12);
  brief.duration_ms = 1'000;
  OwnedRecord lasting = make_record("r2", 12);
  lasting.duration_ms = 30 * 60'000;
  OwnedRecord open = make_record("r3", 12, Status::running);
  open.duration_ms = 30 * 60'000;
  const PartialSet set = settle({brief, lasting, open});
  REQUIRE(set.partials.size() == 2);
  const auto& [first, young] = *set.partials.begin();
  CHECK(first == PartialKey{at_minute(10), Population::dag, Cohort::none});
  CHECK(young.total_runs == 1);
  CHECK(young.in_flight == 1);
  const auto& [second, old] = *set.partials.rbegin();
  CHECK(second == PartialKey{at_minute(10), Population::dag, Cohort::none, AgeClass(4)});
  CHECK(old.total_runs == 1);
}
