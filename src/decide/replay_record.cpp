#include "dagloop/decide/replay_record.hpp"

#include <algorithm>

#include "dagloop/decide/data_state.hpp"

namespace dagloop {
namespace {

// What makes a decision the same as that of the tick before.
std::string essence(const Decision& decision) {
  std::string text(to_string(decision.action));
  text += "|" + std::to_string(decision.current_percent) + "|";
  if (decision.next_percent) text += std::to_string(*decision.next_percent);
  for (const TriggerResult& trigger : decision.triggers) {
    if (trigger.state == TriggerState::fired) text += "|" + trigger.name;
  }
  // By code, for the sentence has figures in it and would differ at every tick.
  if (decision.action == Action::hold) text += "|" + decision.reasons.front().code;
  return text;
}

bool any_is(const std::vector<TriggerResult>& triggers, TriggerState state) {
  return std::any_of(triggers.begin(), triggers.end(),
                     [&](const TriggerResult& trigger) { return trigger.state == state; });
}

bool lacks_data(const Decision& decision) {
  return decision.action == Action::hold && decision.triggers.empty() &&
         (has_reason(decision.reasons, "no_data") || has_reason(decision.reasons, "data_stale") ||
          has_reason(decision.reasons, "malformed_share_above_limit"));
}

}  // namespace

void ReplayRecord::add(const Decision& decision) {
  ++ticks;
  switch (decision.action) {
    case Action::promote:
      ++promotes;
      break;
    case Action::hold:
      ++holds;
      break;
    case Action::rollback:
      ++rollbacks;
      break;
  }
  if (lacks_data(decision)) ++without_data;
  if (any_is(decision.triggers, TriggerState::unconfirmed)) ++unconfirmed;
  add_alarm(decision);
  std::string now = essence(decision);
  if (now == last_) return;
  last_ = std::move(now);
  changes.push_back({decision.as_of, decision.action, decision.verdict, decision.current_percent,
                     decision.next_percent, decision.reasons, decision.patch});
}

void ReplayRecord::add_alarm(const Decision& decision) {
  const bool was_in_alarm = in_alarm_;
  in_alarm_ = any_fired(decision.triggers);
  if (!in_alarm_) return;
  // Ticks that fire one after another are one alarm: a person is called once.
  if (!was_in_alarm) alarms.push_back({decision.as_of, decision.as_of, 0, {}});
  Alarm& alarm = alarms.back();
  alarm.last = decision.as_of;
  ++alarm.ticks;
  for (const TriggerResult& trigger : decision.triggers) {
    if (trigger.state != TriggerState::fired) continue;
    const bool is_known =
        std::any_of(alarm.triggers.begin(), alarm.triggers.end(),
                    [&](const AlarmTrigger& known) { return known.result.name == trigger.name; });
    if (!is_known) alarm.triggers.push_back({decision.as_of, trigger});
  }
}

std::vector<RegressionFinding> find_regressions(const std::vector<Alarm>& alarms,
                                                const MarkedRegressions& regressions) {
  std::vector<RegressionFinding> findings;
  for (const Window& regression : regressions.windows) {
    RegressionFinding finding{regression, std::nullopt};
    for (const Alarm& alarm : alarms) {
      // An alarm that began before and lasts into a regression has found it at its start.
      if (finding.found || alarm.last < regression.start ||
          alarm.first >= regressions.end_of_echo(regression))
        continue;
      finding.found = std::max(alarm.first, regression.start);
    }
    findings.push_back(finding);
  }
  return findings;
}

std::size_t count_false_alarms(const std::vector<Alarm>& alarms,
                               const MarkedRegressions& regressions) {
  return static_cast<std::size_t>(
      std::count_if(alarms.begin(), alarms.end(),
                    [&](const Alarm& alarm) { return !regressions.mark(alarm.first); }));
}

}  // namespace dagloop
