// What a tick, a change by hand and a rehearsal start from: what the state says once an interrupted
// change is dealt with, what the env file holds, and which policy is in force. One value, found in
// one order. Touches the world by seams; for one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/cycle/change_context.hpp"
#include "dagloop/policy/allowlist.hpp"
#include "dagloop/policy/env_file.hpp"
#include "dagloop/state/cycle_state.hpp"

namespace dagloop {

/// The policy as it was found.
struct PolicySituation {
  CycleState state;  // with what was found in force
  Allowlist allowlist;
  EnvFile env;
  std::string env_sha256;  // of the whole env file
  PolicyValues values;     // its allowlisted keys
  /// Why the service may not get what the env file says; a way back is made all the same.
  std::optional<Error> loader_fault;
  std::optional<Intent> interrupted;  // the change that was under way: recovered, but in a dry run
};

/// Checks that the service's loader reads of the env file what dagloop reads: before anything but a
/// way back.
///
/// Errors: Error{config} with the line, the loader and what it sees.
void check_loader(const PolicySituation& situation);

/// What the tools do in their own way.
struct SituationOptions {
  TickMode mode = TickMode::dry_run;
  std::string interrupted_note;  // for a dry run, which recovers nothing
  /// Checks what has to hold before the env file is read, with the state after the recovery;
  /// returns from when on runs count as made under the policy found. Empty: nothing, from now on.
  std::function<TimePoint(const CycleState&)> prepare = nullptr;
};

/// Returns the lock under which a change is made, none for a dry run.
///
/// Errors: Error{conflict} with `remedy` when another change holds it.
std::unique_ptr<StateLock> lock_for_change(
    const ChangeContext& context, TickMode mode,
    std::string_view remedy = "wait until it is done and look at --status");

/// Finds the situation: reads the allowlist, finishes or undoes an interrupted change, prepares,
/// reads the env file, and takes over a policy that the loop did not write. What was done and found
/// is added to `notes`.
///
/// Order:  to apply, under lock_for_change(); `loaded` is the state as stored. A dry run sees what
///         an apply would decide from, and keeps nothing of it.
/// Errors: what reading the files, Applier::recover(), `prepare` and the store throw.
PolicySituation find_situation(const ChangeContext& context, CycleState loaded,
                               const SituationOptions& options, std::vector<std::string>& notes);

}  // namespace dagloop
