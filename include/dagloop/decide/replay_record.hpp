// What a replay of the past found for one configuration: counts, alarms, changes of the decision.
// Pure value types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/threshold_search.hpp"

namespace dagloop {

/// A trigger of an alarm, as it stood when it fired first.
struct AlarmTrigger {
  TimePoint at;
  TriggerResult result;
};

/// Consecutive ticks at which a trigger fired.
struct Alarm {
  TimePoint first;
  TimePoint last;
  std::size_t ticks = 0;
  std::vector<AlarmTrigger> triggers;  // by the time of their firing
};

/// A decision other than that of the tick before.
struct DecisionChange {
  TimePoint at;
  Action action = Action::hold;
  Verdict verdict = Verdict::INSUFFICIENT;
  int current_percent = 0;
  std::optional<int> next_percent;
  std::vector<Reason> reasons;
  Patch patch;
};

/// What suggested thresholds would have come to.
struct ThresholdReport {
  double most_a_month = 0;               // false alarms, as asked for
  std::size_t most = 0;                  // of the history replayed
  std::vector<SuggestedThreshold> each;  // in the order of the configuration's keys
  std::size_t false_alarms = 0;          // of all of them together
  std::vector<RegressionFinding> findings;
};

/// A configuration's replay. Ticks are added in their order.
struct ReplayRecord {
  std::string name;
  std::string policies;       // where the policies in force are known from
  std::uint64_t records = 0;  // lines read
  std::uint64_t malformed = 0;
  std::size_t ticks = 0;
  std::size_t promotes = 0;
  std::size_t holds = 0;
  std::size_t rollbacks = 0;
  std::size_t without_data = 0;  // of the holds: no data, stale or malformed
  std::size_t unconfirmed = 0;   // ticks where a figure crossed its threshold, but may be noise
  std::vector<Alarm> alarms;
  std::vector<DecisionChange> changes;
  std::vector<RegressionFinding> findings;
  std::size_t false_alarms = 0;  // alarms that began outside of all regressions
  std::optional<ThresholdReport> thresholds;

  /// Adds the decision of the next tick.
  ///
  /// Shape: a decision is another one when its action, its next step, its first reason or the
  ///        triggers that fired are.
  void add(const Decision& decision);

 private:
  void add_alarm(const Decision& decision);
  bool in_alarm_ = false;
  std::string last_;
};

/// Returns when alarms told of each of `regressions`.
std::vector<RegressionFinding> find_regressions(const std::vector<Alarm>& alarms,
                                                const MarkedRegressions& regressions);

/// Returns how many alarms began outside of all `regressions`.
std::size_t count_false_alarms(const std::vector<Alarm>& alarms,
                               const MarkedRegressions& regressions);

}  // namespace dagloop
