#include "dagloop/cycle/change_times.hpp"

#include <catch2/catch.hpp>

using namespace dagloop;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr TimePoint kPresent{std::chrono::sys_days{std::chrono::year{2026} / 2 / 25}};

Decision made_at(TimePoint generated_at, TimePoint as_of) {
  Decision decision;
  decision.generated_at = generated_at;
  decision.as_of = as_of;
  return decision;
}

}  // namespace

TEST_CASE("a change made by a live decision counts from now") {
  const TimePoint as_of = floor_to_slot(kPresent - minutes(4));
  CHECK(effective_time(made_at(kPresent - minutes(4), as_of), kPresent) == kPresent);
  CHECK(effective_time(made_at(as_of + 2 * kSlot, as_of), kPresent) == kPresent);
}

TEST_CASE("a change made by a decision about the past counts from its as_of, plus the time since") {
  const TimePoint as_of = kPresent - hours(1000);
  CHECK(effective_time(made_at(kPresent, as_of), kPresent) == as_of);
  CHECK(effective_time(made_at(kPresent - hours(2), as_of), kPresent) == as_of + hours(2));
}

TEST_CASE("a change is allowed since the last of its approvals, from now on where it takes none") {
  Approval first;
  first.approved_at = kPresent - minutes(9);
  Approval second;
  second.approved_at = kPresent - minutes(2);
  CHECK(allowed_time({}, kPresent) == kPresent);
  CHECK(allowed_time({first}, kPresent) == first.approved_at);
  CHECK(allowed_time({first, second}, kPresent) == second.approved_at);
  CHECK(allowed_time({second, first}, kPresent) == second.approved_at);
}

TEST_CASE("a trigger fired at the end of a live decision's figures, else when it was decided") {
  const TimePoint as_of = floor_to_slot(kPresent - minutes(4));
  CHECK(trigger_time(made_at(kPresent, as_of)) == as_of);
  CHECK(trigger_time(made_at(kPresent, as_of + minutes(2))) == as_of + minutes(2));
  CHECK(trigger_time(made_at(as_of, kPresent)) == as_of);  // figures that end behind the clock
  CHECK(trigger_time(made_at(kPresent, kPresent - hours(1000))) == kPresent);
}

TEST_CASE("a cool-down doubles with each rollback of a policy, a thousandfold at most") {
  CHECK(cooldown_after(1, hours(24)) == hours(24));
  CHECK(cooldown_after(2, hours(24)) == hours(48));
  CHECK(cooldown_after(5, hours(24)) == hours(24 * 16));
  CHECK(cooldown_after(11, hours(24)) == hours(24 * 1024));
  CHECK(cooldown_after(40, hours(24)) == hours(24 * 1024));
}
