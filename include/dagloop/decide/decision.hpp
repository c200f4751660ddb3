// The decision: promote, hold or rollback, and the patch that would carry it out. Pure: the same
// inputs give the same decision, byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/decide/recommendation.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/decide/trigger.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// What a decision says is to be done; the printed words.
enum class Action { promote, hold, rollback };

/// Returns the printed word, and reads it.
std::string_view to_string(Action action);
std::optional<Action> parse_action(std::string_view word);

/// Configuration, "decision".
struct DecisionConfig {
  std::vector<int> ladder{0, 10, 30, 60, 100};
  std::string rollout_key = "DAG_ROLLOUT_PERCENT";
  std::uint64_t min_sample = 20;
  double promotion_margin_pp = 2.0;
  Microseconds soak = std::chrono::hours(6);
  Microseconds cooldown = std::chrono::hours(24);
  TriggerThresholds triggers;
  EvidenceConfig evidence;
};

/// Reads the section; a missing one gives the defaults.
///
/// Errors: Error{config}.
DecisionConfig parse_decision_config(const JsonReader& reader);

/// What the state knows of policies.
struct PolicyHistory {
  enum class ChangeState { none, under_verification };
  ChangeState change = ChangeState::none;
  PolicyValues before_change;               // what the change under verification replaced
  std::vector<PolicyValues> verified;       // oldest first; each was in force and passed
  std::optional<TimePoint> in_force_since;  // of the present policy; unknown: before the window
  std::optional<TimePoint> cooldown_until;
  std::optional<RolledBack> rolled_back;  // what put the present policy in force, if a rollback
  PolicyValues proposed;                  // by a change that waits for its approval
  std::vector<LedgerEntry> ledger;        // what came of earlier predictions
};

/// Everything that a decision rests on.
struct DecisionInputs {
  const Quality& quality;
  const GateResult& gate;
  BaselineKind baseline = BaselineKind::automatic;
  const DecisionConfig& config;
  const Evidence& evidence;  // of this rollout, up to this assessment
  DataLimits limits;
  const std::vector<KeySpec>& keys;
  const std::vector<PolicyRule>& rules;
  PolicyValues values;     // allowlisted keys of the env file
  std::string env_sha256;  // of the whole env file
  PolicyHistory history;
  TimePoint now;
  Microseconds approval_ttl = std::chrono::hours(24);
  std::string proposed_by;
};

/// A decision document as a value.
struct Decision {
  TimePoint generated_at;
  TimePoint as_of;
  Action action = Action::hold;
  Verdict verdict = Verdict::INSUFFICIENT;
  int current_percent = 0;
  std::optional<int> next_percent;
  std::vector<TriggerResult> triggers;
  std::optional<EvidenceView> promotion;  // evidence against inferiority, where it was asked for
  std::optional<LatencyView> latency;     // of both sides, where both were counted
  std::vector<Reason> reasons;
  std::vector<Recommendation> recommendations;
  Patch patch;  // empty: nothing to apply
  enum class Approval { required, not_required };
  Approval approval = Approval::required;  // not required: going back to a policy approved before
  std::string env_sha256;
  TimePoint expires_at;
  std::string proposed_by;
  std::vector<Calibration> calibration;  // of the models that have been tried
  std::vector<LedgerEntry> predictions;  // the latest, with what came of them
};

/// Writes what is known of predictions into a decision, as far as a report shows it.
void tell_predictions(const std::vector<LedgerEntry>& ledger, Decision& decision);

/// Returns what `decision` predicts of its patch.
std::vector<LedgerEntry> predictions_of(const Decision& decision, const std::string& digest,
                                        TimePoint effective_at);

/// Decides.
///
/// Shape:  `rollback` when a trigger fired; `promote` one step up; `hold` otherwise, always with a
///         reason. The patch holds the ladder step, or the recommendations of the best rank's
///         group, or the way back; never two of these.
/// Errors: Error{config} where the rollout key is missing from `values` or no integer percent.
/// Source: docs/kpis.md, "Decision".
Decision decide(const DecisionInputs& inputs);

/// Returns whether a rollback to 0 % has taken the canary away. Runs of it may still end, or come
/// late: there is nothing to take back for them, so they are no side of a comparison.
bool has_lost_canary(const PolicyValues& values, const PolicyHistory& history,
                     const DecisionConfig& config);

/// Returns the baseline that is asked for, counted for evidence and decided on, all alike: the
/// window before where the canary is lost, and in place of "auto" at 100 %, where no control cohort
/// is left.
BaselineKind baseline_in_effect(BaselineKind configured, const PolicyValues& values,
                                const PolicyHistory& history, const DecisionConfig& config);

/// Where a rollback goes.
struct RollbackTarget {
  Patch patch;
  Decision::Approval approval = Decision::Approval::required;
};

/// Finds the way back from `values`: undoing the change under verification, to what it replaced;
/// else the latest verified policy at a lower step; else the next ladder step down (which needs an
/// approval).
///
/// Shape: nullopt where there is nothing to go back to.
std::optional<RollbackTarget> rollback_target(const PolicyValues& values,
                                              const PolicyHistory& history,
                                              const DecisionConfig& config);

}  // namespace dagloop
