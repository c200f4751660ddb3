#include "dagloop/decide/replay_record.hpp"

#include <catch2/catch.hpp>
#include <chrono>

#include "support/make_quality.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::minutes;

namespace {

TimePoint tick(int number) { return kAsOf + number * minutes(15); }

Decision decision_at(int number, Action action, std::vector<std::string> fired = {}) {
  Decision decision;
  decision.as_of = tick(number);
  decision.action = action;
  decision.current_percent = 10;
  decision.reasons = {{"code"}};
  for (std::string& name : fired) {
    TriggerResult trigger;
    trigger.name = std::move(name);
    trigger.state = TriggerState::fired;
    trigger.value = number;
    decision.triggers.push_back(std::move(trigger));
  }
  return decision;
}

}  // namespace

TEST_CASE(
    "consecutive ticks with a fired trigger are one alarm, with each trigger's first firing") {
  ReplayRecord record;
  record.add(decision_at(0, Action::hold));
  record.add(decision_at(1, Action::rollback, {"success_drop"}));
  record.add(decision_at(2, Action::rollback, {"success_drop", "p95_ratio"}));
  record.add(decision_at(3, Action::hold));
  record.add(decision_at(4, Action::rollback, {"p95_ratio"}));
  REQUIRE(record.alarms.size() == 2);
  CHECK(record.alarms[0].first == tick(1));
  CHECK(record.alarms[0].last == tick(2));
  CHECK(record.alarms[0].ticks == 2);
  REQUIRE(record.alarms[0].triggers.size() == 2);
  CHECK(record.alarms[0].triggers[0].at == tick(1));
  CHECK(record.alarms[0].triggers[0].result.value == 1);
  CHECK(record.alarms[0].triggers[1].result.name == "p95_ratio");
  CHECK(record.alarms[0].triggers[1].at == tick(2));
  CHECK(record.alarms[1].ticks == 1);
  CHECK(record.ticks == 5);
  CHECK(record.holds == 2);
  CHECK(record.rollbacks == 3);
}

TEST_CASE("the timeline has a line only where the decision is another one") {
  ReplayRecord record;
  Decision promote = decision_at(0, Action::promote);
  promote.next_percent = 30;
  record.add(promote);
  promote.as_of = tick(1);
  promote.reasons.front().args = {{"figures", "others"}};
  record.add(promote);
  record.add(decision_at(2, Action::hold));
  Decision other = decision_at(3, Action::hold);
  other.reasons.front().code = "soak_not_over";
  record.add(other);
  promote.current_percent = 30;
  promote.next_percent = 60;
  record.add(promote);
  REQUIRE(record.changes.size() == 4);
  CHECK(record.changes[0].reasons.front().args.empty());
  CHECK(record.changes[1].at == tick(2));
  CHECK(record.changes[2].reasons.front().code == "soak_not_over");
  CHECK(record.changes[3].next_percent == 60);
  CHECK(record.promotes == 3);
}

TEST_CASE("ticks where a figure may be noise are counted, and are no alarm") {
  ReplayRecord record;
  Decision decision = decision_at(0, Action::hold, {"success_drop"});
  decision.triggers.front().state = TriggerState::unconfirmed;
  record.add(decision);
  CHECK(record.unconfirmed == 1);
  CHECK(record.alarms.empty());
}

TEST_CASE("holds for want of data are counted apart") {
  ReplayRecord record;
  Decision stale = decision_at(0, Action::hold);
  stale.reasons = {{"data_stale"}};
  record.add(stale);
  record.add(decision_at(1, Action::hold));
  CHECK(record.without_data == 1);
  CHECK(record.holds == 2);
}

TEST_CASE("a regression is found by the first alarm while its runs are in the window, or missed") {
  const std::vector<Alarm> alarms{{tick(2), tick(5), 4, {}}, {tick(9), tick(9), 1, {}}};
  const auto marked = [](int from, int to, int window = 0) {
    return MarkedRegressions{{{tick(from), tick(to)}}, window * minutes(15)};
  };
  const auto found = [&](const MarkedRegressions& regressions) {
    return find_regressions(alarms, regressions).front().found;
  };
  CHECK(found(marked(1, 4)) == tick(2));
  CHECK(found(marked(3, 4)) == tick(3));  // it was on already
  CHECK(found(marked(6, 10)) == tick(9));
  CHECK_FALSE(found(marked(6, 9)));
  CHECK(found(marked(6, 7, 3)) == tick(9));
  CHECK_FALSE(found(marked(6, 7, 2)));
  CHECK_FALSE(found(marked(0, 2)));
  CHECK(count_false_alarms(alarms, marked(1, 3)) == 1);
  CHECK(count_false_alarms(alarms, marked(3, 10)) == 1);
  CHECK(count_false_alarms(alarms, marked(1, 2, 8)) == 0);
  CHECK(count_false_alarms(alarms, {}) == 2);
}
