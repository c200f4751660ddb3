#include "dagloop/cycle/policy_timeline.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/cycle/change_times.hpp"
#include "dagloop/state/cycle_state.hpp"

namespace dagloop {
namespace {

PolicyValues values_of(const Json& values) {
  return values_from_json(JsonReader(values, "the journal"));
}

// Follows the journal as the cycle made it, event by event.
class JournalReading {
 public:
  explicit JournalReading(Microseconds cooldown) : cooldown_(cooldown) {}

  void add(const JournalEvent& event) {
    switch (event.type) {
      case EventType::adopted:
        return adopt(event);
      case EventType::applied:
        return apply(event);
      case EventType::rolled_back:
        return roll_back(event);
      case EventType::verified:
        return verify(event);
      case EventType::new_rollout:
        return begin_anew(event);
      default:
        return;  // changes no policy
    }
  }
  std::optional<PolicyTimeline> timeline() && { return std::move(timeline_); }

 private:
  void adopt(const JournalEvent& event) {
    values_ = values_of(event.after);
    if (!timeline_) {
      history_.verified = {values_};
      timeline_.emplace(values_);
    } else {
      history_.in_force_since = event.at;
      history_.rolled_back.reset();
    }
    history_.change = PolicyHistory::ChangeState::none;
    history_.before_change.clear();
    history_.before_since.reset();
    note(event.at);
  }

  void apply(const JournalEvent& event) {
    history_.change = PolicyHistory::ChangeState::under_verification;
    history_.before_change = values_of(event.before);
    history_.before_since = history_.in_force_since;
    history_.rolled_back.reset();
    take(event);
  }

  void roll_back(const JournalEvent& event) {
    const PolicyValues left = values_;
    const int count = ++rollbacks_[policy_fingerprint(left)];
    history_.cooldown_until = event.at + cooldown_after(count, cooldown_);
    // The journal's values are enough: a replay shows why, and patches nothing.
    history_.rolled_back = RolledBack{event.at, {}, event.why};
    std::erase(history_.verified, left);
    history_.change = PolicyHistory::ChangeState::none;
    history_.before_change.clear();
    history_.before_since.reset();
    take(event);
  }

  void verify(const JournalEvent& event) {
    history_.change = PolicyHistory::ChangeState::none;
    history_.before_change.clear();
    history_.before_since.reset();
    history_.verified.push_back(values_);
    note(event.at);
  }

  void begin_anew(const JournalEvent& event) {
    new_rollout_ = event.at;
    note(event.at);
  }

  void take(const JournalEvent& event) {
    for (const auto& [key, value] : values_of(event.after)) values_[key] = value;
    history_.in_force_since = event.at;
    if (!timeline_) timeline_.emplace(values_);
    note(event.at);
  }

  void note(TimePoint at) {
    if (timeline_) timeline_->append({at, values_, history_, new_rollout_});
  }

  Microseconds cooldown_;
  PolicyValues values_;
  PolicyHistory history_;
  std::map<std::string, int> rollbacks_;
  std::optional<TimePoint> new_rollout_;
  std::optional<PolicyTimeline> timeline_;
};

}  // namespace

PolicyTimeline::PolicyTimeline(PolicyValues values) {
  periods_.push_back({std::nullopt, std::move(values), {}});
}

void PolicyTimeline::append(PolicyPeriod period) {
  DAGLOOP_ASSERT(period.since &&
                 (!periods_.back().since || *periods_.back().since <= *period.since));
  periods_.push_back(std::move(period));
}

const PolicyPeriod& PolicyTimeline::before(TimePoint at) const {
  // Strictly before: the tick that makes a change at `at` still decides under the policy before it.
  const auto after = std::lower_bound(
      periods_.begin() + 1, periods_.end(), at,
      [](const PolicyPeriod& each, TimePoint sought) { return *each.since < sought; });
  return *std::prev(after);
}

std::optional<PolicyTimeline> policies_of_journal(const std::vector<JournalEntry>& journal,
                                                  Microseconds cooldown) {
  JournalReading reading(cooldown);
  for (const JournalEntry& entry : journal) reading.add(entry.event);
  return std::move(reading).timeline();
}

PolicyTimeline policies_of_percents(const PolicyValues& values, const std::string& rollout_key,
                                    const std::vector<PercentSince>& percents) {
  DAGLOOP_ASSERT(!percents.empty());
  PolicyValues with = values;
  with[rollout_key] = std::to_string(percents.front().second);
  PolicyTimeline timeline(with);
  for (const auto& [since, percent] : percents) {
    if (!since) continue;
    with[rollout_key] = std::to_string(percent);
    PolicyHistory history;
    history.in_force_since = since;
    timeline.append({since, with, history});
  }
  return timeline;
}

}  // namespace dagloop
