// Replays the past: assesses a log as the cycle would have assessed it, tick by tick, from what was
// counted once. Nothing is written. Composes assessment, source and the policies in force.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/policy_timeline.hpp"
#include "dagloop/decide/replay_record.hpp"
#include "dagloop/kpi/slot_sums.hpp"
#include "dagloop/policy/allowlist.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// What is replayed.
struct ReplayRequest {
  Window period;  // ticks at its start, `every` later and so on, up to its end
  Microseconds every = std::chrono::minutes(15);  // a multiple of the slot
  std::vector<Window> regressions;                // marked by the operator
  std::optional<double> most_false_alarms;        // in 30 days: thresholds are suggested
};

/// A configuration that is replayed.
struct ReplayedConfig {
  std::string name;
  Config config;
  std::vector<KeySpec> keys;
  std::vector<PolicyRule> rules;
  PolicyTimeline policies;
  std::string policies_from;  // where they are known from
  std::string env_sha256;
};

/// A log that was read once for all ticks. Runs count as they ended at last: what the cycle could
/// not have known at the time is known, as records written late, and how a run ended that was in
/// flight.
class ReplayLog {
 public:
  explicit ReplayLog(const PartialSet& read) : sums_(read.partials), input_(read.input) {}

  const SlotSums& sums() const { return sums_; }
  /// Returns what was read, in all.
  const InputCounts& input() const { return input_; }
  /// Returns the same as of a tick: the newest record is known to the slot.
  InputCounts input_at(TimePoint tick) const;

 private:
  SlotSums sums_;
  InputCounts input_;
};

/// Told every tick's decision.
using OnDecision = std::function<void(const Decision&)>;

/// Replays one configuration.
///
/// Shape: the decisions of earlier ticks change nothing: the log goes on as it was, and so do the
///        policies in force. Evidence is collected from tick to tick, as the cycle does.
/// Cost:  a tick some tens of merges of partials, whatever the window.
ReplayRecord replay(const ReplayRequest& request, const ReplayedConfig& replayed,
                    const ReplayLog& log, const OnDecision& on_decision = nullptr);

/// Opens the log of a configuration.
using OpenLog = std::function<std::unique_ptr<LogSource>(const Config&)>;

/// Replays configurations; a log that several have in common is read once. `now` is the machine's
/// present: later records are from the future.
///
/// Errors: what opening and reading throws; Error{config} as decide().
std::vector<ReplayRecord> replay_all(const ReplayRequest& request,
                                     const std::vector<ReplayedConfig>& all, const OpenLog& open,
                                     TimePoint now);

}  // namespace dagloop
