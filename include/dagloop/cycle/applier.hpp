// Carries out changes of the env file, each as a transaction: intent in the journal, atomic write,
// read back, reload hook, completion in the journal; undone or finished after any interruption.
// Used by one thread, under the store's lock.
#pragma once

#include <string>
#include <vector>

#include "dagloop/cycle/change_context.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/policy/allowlist.hpp"
#include "dagloop/state/cycle_state.hpp"

namespace dagloop {

/// A change to be carried out.
struct ChangeRequest {
  ChangeKind kind = ChangeKind::apply;
  Patch patch;
  std::string env_sha256;       // of the env file that the decision saw
  std::string decision_digest;  // empty for an operator's rollback
  std::string why;
  TimePoint decided_at;    // by the machine's clock: when approval or trigger was seen
  TimePoint effective_at;  // from when on runs count as made under the new policy
  std::vector<LedgerEntry> predictions = {};  // for the ledger, when the change is in force
};

/// How a change ended.
enum class ChangeOutcome {
  in_force,                 // written, hook run, journal complete
  in_force_without_reload,  // a rollback was written, but its hook failed
  rolled_back,              // the hook of an apply failed: the earlier values are back
};

/// Returns what is told of a change that ended so: `done`, or what its reload hook made of it.
std::string outcome_text(std::string done, ChangeOutcome outcome);

class EnvFileWriter;  // private to the layer

/// Carries out changes.
class Applier {
 public:
  /// Owns: nothing; `context` and `allowlist` outlive it.
  Applier(const ChangeContext& context, const Allowlist& allowlist)
      : context_(context), allowlist_(allowlist) {}

  /// Carries out `request`; `state` is the loaded state and is kept up to date.
  ///
  /// Order:  the caller holds the store's lock and has checked the approval.
  /// Errors: Error{config} for a key that is not allowed (refused, journaled); Error{conflict} when
  ///         the env file is not the one that the decision saw; Error{apply_failed} when writing
  ///         failed and the old content stands; Error{preflight} when a rollback was not written:
  ///         the next recover() carries it out.
  ChangeOutcome carry_out(CycleState& state, const ChangeRequest& request);

  /// Finishes or takes back a change that was interrupted; returns what was done, a sentence or
  /// two, or nothing where no change was under way.
  std::vector<std::string> recover(CycleState& state);

  /// Journals that a change was refused.
  void refuse(CycleState& state, const std::string& digest, const std::string& why);

 private:
  std::vector<std::string> finish_or_undo(CycleState& state, const Intent& intent);
  void write_back(CycleState& state, const std::string& why_again);
  [[noreturn]] void give_up(CycleState& state, const Error& error, const std::string& before);
  ChangeOutcome finish(CycleState& state);
  void undo(CycleState& state, const std::string& why);
  void complete_apply(CycleState& state);
  void complete_rollback(CycleState& state, const std::string& hook_fault);
  EnvFileWriter env_files() const;
  std::string run_hook();  // what went wrong; empty when nothing did

  const ChangeContext& context_;
  const Allowlist& allowlist_;
};

}  // namespace dagloop
