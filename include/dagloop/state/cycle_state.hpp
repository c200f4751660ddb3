// The persisted state of the loop for one env file: the phase of the state machine and all that a
// later tick must know. Value type; stored as a JSON document, its evidence as another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/base/time.hpp"
#include "dagloop/decide/excluded_policy.hpp"
#include "dagloop/decide/prediction_ledger.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/evidence/evidence.hpp"
#include "dagloop/kpi/daily_figures.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Phases of the cycle (docs/operations.md, "States").
enum class Phase {
  idle,
  proposed,
  approved,
  applying,
  verifying,
  settled,
  rolled_back,
  rejected,
  expired,
};

/// Returns the printed word, and reads it.
std::string_view to_string(Phase phase);
std::optional<Phase> parse_phase(std::string_view word);

/// Forward by approval, or back to an earlier policy.
enum class ChangeKind { apply, rollback };
std::string_view to_string(ChangeKind kind);

/// What will be written, committed before the env file is touched.
struct Intent {
  ChangeKind kind = ChangeKind::apply;
  std::string env_file;
  std::string before_sha256;  // of the whole env file
  std::string after_sha256;
  Patch patch;
  std::string decision_digest;  // of the decision carried out; empty for an operator's rollback
  std::string actor;
  std::string why;
  TimePoint decided_at;    // trigger or approval, for the time until the policy is in force
  TimePoint effective_at;  // from when on runs count as made under the new policy
  Phase phase_before = Phase::idle;
  std::vector<LedgerEntry> predictions = {};  // its entries, for the ledger when it is in force
  std::string temporary = {};  // the word in the temporary file's name; empty: an earlier version's
  bool operator==(const Intent&) const = default;
};

/// A change that waits for the runs after it.
struct ChangeUnderVerification {
  std::string decision_digest;
  Patch patch;
  TimePoint applied_at;
  std::optional<TimePoint> before_since = {};  // of the policy that it replaced; none: not known
  bool operator==(const ChangeUnderVerification&) const = default;
};

/// How long a rollback took: from the end of the figures whose trigger fired first, or from an
/// operator's request, until the earlier policy was in force and loaded.
struct RollbackTiming {
  TimePoint trigger_at;
  TimePoint in_force_at;
  bool operator==(const RollbackTiming&) const = default;
};

/// The whole state.
struct CycleState {
  std::uint64_t version = 0;  // of the stored row; 0: nothing stored yet
  Phase phase = Phase::idle;
  Json pending_decision;                          // the proposed decision document; null: none
  std::optional<Intent> intent;                   // with phase applying
  std::optional<ChangeUnderVerification> change;  // with phase verifying
  std::vector<PolicyValues> verified;             // oldest first
  PolicyValues in_force;                          // as last seen or written by the loop
  std::optional<TimePoint> in_force_since;
  std::optional<TimePoint> cooldown_until;
  std::map<std::string, int> rollbacks;     // policy fingerprint -> rollbacks of it so far
  std::vector<std::string> used_decisions;  // digests that were applied: an approval is single-use
  std::optional<TimePoint> rollback_due_since;  // a trigger fired, and no rollback is done yet
  std::optional<RollbackTiming> last_rollback;
  std::optional<RolledBack> rolled_back;  // while the policy that it put in force stands
  std::vector<ExcludedPolicy> excluded;   // by evidence, oldest first
  std::vector<LedgerEntry> predictions;   // the ledger, oldest first, at most 200
  Evidence evidence;                      // of the rollout, sealed by the last applying tick
  bool has_earlier_evidence = false;      // of another version, left behind; not stored
  // The digest of evidence that is not what was committed ("": of none): its row stays as it is, so
  // that whoever needs evidence refuses it. None: the row is right.
  std::optional<std::string> lost_evidence;
  std::vector<DailyFigures> days;  // for trends, in ascending order
  std::string last_refusal;        // of the pending decision, so that each fault is journaled once
  bool operator==(const CycleState&) const = default;
};

/// Returns the state as a JSON document, and reads it back (without `version` and evidence: that is
/// a document of its own, see stored_records.hpp).
///
/// Errors: Error{preflight} naming `where` for a document that is no state of this version.
Json cycle_state_to_json(const CycleState& state);
CycleState cycle_state_from_json(const Json& document, std::string_view where);

/// Returns {"at", "patch", "why"}, null for none.
Json rolled_back_to_json(const std::optional<RolledBack>& rolled_back);

/// Returns {"subject", "trigger", "since"}, null for none.
Json excluded_to_json(const std::optional<ExcludedPolicy>& excluded);

/// Returns {"trigger_at", "in_force_at", "seconds"}, null for none.
Json rollback_timing_to_json(const std::optional<RollbackTiming>& timing);

/// Returns a fingerprint of policy values (for `rollbacks`).
std::string policy_fingerprint(const PolicyValues& values);

}  // namespace dagloop
