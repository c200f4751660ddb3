// Which policy was in force when, for replays of the past. Pure value types.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/state/journal.hpp"

namespace dagloop {

/// A period with one policy and one history of policies.
struct PolicyPeriod {
  std::optional<TimePoint> since;  // nullopt: since ever
  PolicyValues values;
  PolicyHistory history;
  std::optional<TimePoint> new_rollout = {};  // that a person began last
};

/// Policies over time, oldest first; at least one.
class PolicyTimeline {
 public:
  /// One policy, in force since ever.
  explicit PolicyTimeline(PolicyValues values);

  /// Appends a period; its `since` is set, and not before that of the last.
  void append(PolicyPeriod period);

  /// Returns what was in force before `at`: what is changed at a tick counts from the next one on.
  const PolicyPeriod& before(TimePoint at) const;
  const PolicyPeriod& latest() const { return periods_.back(); }

 private:
  std::vector<PolicyPeriod> periods_;
};

/// Reads from a journal which policy was in force when, with what the cycle knew of policies then:
/// what had been verified, what was under verification, the cool-down.
///
/// Shape:  before the journal's first policy that one was in force, and nothing is known of it.
///         nullopt where the journal tells of no policy. Times are those of the journal's events.
///         `cooldown` is that of the configuration.
/// Errors: Error{config} for events that are none of this version.
std::optional<PolicyTimeline> policies_of_journal(const std::vector<JournalEntry>& journal,
                                                  Microseconds cooldown);

/// A rollout percentage, in force since a time (nullopt: since ever).
using PercentSince = std::pair<std::optional<TimePoint>, int>;

/// Returns `values` with other rollout percentages, one after another.
///
/// Shape: at least one; ascending, only the first may be since ever.
PolicyTimeline policies_of_percents(const PolicyValues& values, const std::string& rollout_key,
                                    const std::vector<PercentSince>& percents);

}  // namespace dagloop
