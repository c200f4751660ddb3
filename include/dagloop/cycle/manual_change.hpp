// Changes asked for by an operator: apply an approved decision, or go back. The same transaction,
// journal and lock as the cycle's; a dry run shows what would happen and writes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/cycle/change_context.hpp"
#include "dagloop/policy/approval.hpp"

namespace dagloop {

/// What came of it.
struct ManualResult {
  ExitCode code = ExitCode::done;
  std::string diff;                             // of the env file, foreign values masked
  std::vector<std::string> notes;               // for the operator
  std::optional<TimePoint> approve_until = {};  // of a decision that waits for approval
};

/// Applies a decision document.
///
/// Shape:  in a dry run: the diff, and whether the approvals (if given) would hold.
/// Errors: Error{approval} when it is missing or does not hold, or the decision was applied before;
///         Error{conflict} when the env file changed, another change is under verification, or the
///         lock is held; Error{config} for a key that is not allowed. Refusals are journaled.
///         Error{preflight} when the clock lies before what the state knows of.
ManualResult apply_decision(const ChangeContext& given, TickMode mode, const Json& decision,
                            const std::vector<Approval>& approvals);

/// Goes back to the last verified policy: undoes the change under verification, else one verified
/// policy down.
///
/// Errors: Error{approval} when no earlier policy is known that was approved before.
ManualResult roll_back_policy(const ChangeContext& given, TickMode mode);

/// Lets the policy in force be rolled out anew, although evidence has excluded it: evidence begins
/// anew with the next runs, and a proposal that waits is withdrawn. Who and why are journaled.
///
/// Errors: Error{conflict} before the cool-down is over, while a change is under verification or
///         was interrupted, or while the lock is held; Error{usage} without a `why`.
ManualResult begin_new_rollout(const ChangeContext& given, TickMode mode, const std::string& why);

/// Takes the machine's clock for right where the state knows of later times: they become now, a
/// soak begins anew, what waits for approval is withdrawn.
///
/// Errors: Error{conflict} when a change was interrupted, or the lock is held.
ManualResult accept_clock(const ChangeContext& context, TickMode mode);

/// Returns the rollout percentage among `values`.
///
/// Errors: Error{config} naming env file and key where it is missing or none.
int checked_rollout_percent(const Config& config, const PolicyValues& values);

/// Describes the stored state for an operator: phase, policy in force, what waits, cool-down.
Json describe_state(const CycleState& state, const std::string& rollout_key, TimePoint now);

}  // namespace dagloop
