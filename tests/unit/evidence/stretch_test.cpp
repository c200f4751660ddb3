#include "dagloop/evidence/stretch.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "dagloop/evidence/rate_evidence.hpp"

using namespace dagloop;

namespace {

const TimePoint kMorning = TimePoint() + std::chrono::days(20'000);

StepCounts step_at(int hour, std::uint64_t failed, std::vector<UserCounts> users = {}) {
  return {{{10, failed}, {40, 4}}, kMorning + std::chrono::hours(hour), std::move(users)};
}

}  // namespace

TEST_CASE("a stretch begins anew when its bet has gained nothing") {
  Stretch stretch;
  stretch.add(step_at(0, 1), -0.5);
  CHECK(stretch == Stretch());
  stretch.add(step_at(1, 6), 4);
  stretch.add(step_at(2, 5), 3);
  CHECK(stretch.log_gain == 7);
  CHECK(stretch.seen.start == kMorning + std::chrono::hours(1));
  CHECK(stretch.seen.counts == Block{{20, 11}, {80, 8}});
  stretch.add(step_at(3, 0), -7);
  CHECK(stretch == Stretch());
}

TEST_CASE("a fault after a good day is seen since it began, not diluted by the day") {
  const RateHypothesis hypothesis{.alternatives = {{2.0, 0.5}, {8.0, 0.5}}};
  RateEvidence evidence;
  evidence.expectation = {100, 10};
  for (int hour = 0; hour < 24; ++hour) evidence.add(step_at(hour, 1), hypothesis);
  CHECK_FALSE(evidence.best_stretch(hypothesis));
  for (int hour = 24; hour < 26; ++hour) evidence.add(step_at(hour, 10), hypothesis);
  const auto dead = evidence.best_stretch(hypothesis);
  REQUIRE(dead);
  CHECK(dead->seen.start == kMorning + std::chrono::hours(24));
  CHECK(dead->seen.counts.subject == ArmCounts{20, 20});
  CHECK(evidence.total.subject == ArmCounts{260, 44});
}

TEST_CASE("runs of a stretch count before they are a whole block, and are counted once") {
  const RateHypothesis hypothesis{.alternatives = {{2.0, 0.5}, {8.0, 0.5}}};
  RateEvidence evidence;
  evidence.expectation = {100, 10};
  const StepCounts four_dead{{{4, 4}, {15, 1}}, kMorning};
  evidence.add(four_dead, hypothesis);
  REQUIRE(evidence.open == four_dead);
  const auto early = evidence.best_stretch(hypothesis);
  REQUIRE(early);
  CHECK(early->seen == four_dead);
  CHECK(early->log_gain > std::log(20));
  CHECK(evidence.greatest_log_e_at(1) == 0);
  evidence.add({{{0, 0}, {1, 0}}, kMorning + std::chrono::minutes(5)}, hypothesis);
  const auto whole = evidence.best_stretch(hypothesis);
  REQUIRE(whole);
  CHECK(whole->seen.counts == Block{{4, 4}, {16, 1}});
  RateHypothesis unwatched = hypothesis;
  unwatched.stretches = RateHypothesis::Stretches::unwatched;
  CHECK_FALSE(evidence.best_stretch(unwatched));
}

TEST_CASE("a step begins with its first trials, and adds up users and latencies") {
  StepCounts sum{{}, kMorning};
  sum += {{{2, 1}, {}}, kMorning + std::chrono::hours(1), {{7, {2, 1}}}, {2, 1}};
  sum += {{{3, 2}, {1, 0}}, kMorning + std::chrono::hours(2), {{5, {1, 0}}, {7, {2, 2}}}, {3, 0}};
  CHECK(sum.start == kMorning + std::chrono::hours(1));
  CHECK(sum.counts == Block{{5, 3}, {1, 0}});
  CHECK(sum.users == std::vector<UserCounts>{{5, {1, 0}}, {7, {4, 3}}});
  CHECK(sum.above == std::vector<std::uint64_t>{5, 1});
}

TEST_CASE("of a stretch's users those with most events are kept") {
  std::vector<UserCounts> users;
  for (std::uint64_t i = 1; i <= 30; ++i) users.push_back({i, {40, i % 20}});
  Stretch stretch;
  stretch.add(step_at(0, 10, users), 1);
  REQUIRE(stretch.seen.users.size() == kMostStretchUsers);
  for (const UserCounts& user : stretch.seen.users) CHECK(user.counts.events >= 8);
}
