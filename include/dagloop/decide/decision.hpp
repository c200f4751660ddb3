// The decision: promote, hold or rollback, and the patch that would carry it out. Pure: the same
// inputs give the same decision, byte for byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/decide/decision_inputs.hpp"
#include "dagloop/decide/detection.hpp"
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
  std::vector<Detection> detection;       // of larger and larger drops; empty: not known yet
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

/// Returns the entries of the ledger for `decision`'s patch, with what is predicted of it; none for
/// a way back.
std::vector<LedgerEntry> entries_of(const Decision& decision, const std::string& digest,
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
