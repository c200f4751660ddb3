#include "dagloop/cycle/policy_situation.hpp"

#include <utility>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/cycle/applier.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/policy/env_loader.hpp"

namespace dagloop {

std::unique_ptr<StateLock> lock_for_change(const ChangeContext& context, TickMode mode,
                                           std::string_view remedy) {
  if (mode == TickMode::dry_run) return nullptr;
  auto lock = context.store.try_lock();
  if (lock != nullptr) return lock;
  throw Error(ErrorKind::conflict, context.config.state, "another change holds the lock", remedy);
}

void check_loader(const PolicySituation& situation) {
  if (situation.loader_fault) throw Error(*situation.loader_fault);
}

PolicySituation find_situation(const ChangeContext& context, CycleState loaded,
                               const SituationOptions& options, std::vector<std::string>& notes) {
  const PolicyConfig& policy = context.config.policy;
  PolicySituation found;
  found.state = std::move(loaded);
  found.interrupted = found.state.intent;
  found.allowlist = read_allowlist(context.files, policy);
  // Before the env file is read: what recovery writes is what this invocation starts from.
  if (found.interrupted && options.mode == TickMode::apply) {
    for (std::string& done : Applier(context, found.allowlist).recover(found.state)) {
      notes.push_back(std::move(done));
    }
  } else if (found.interrupted) {
    notes.push_back(options.interrupted_note);
  }
  std::optional<TimePoint> effective_at;
  if (options.prepare) effective_at = options.prepare(found.state);
  found.env = read_env_file(context.files, policy.env_file, policy.symlinks);
  found.env_sha256 = sha256_hex(found.env.text());
  const auto fault = loader_fault(found.env, policy.loader, found.allowlist.names());
  if (fault && fault->of == LoaderFault::Of::ours) throw Error(fault->error);
  if (fault) found.loader_fault = fault->error;
  found.values = found.allowlist.values_in(found.env);
  const TimePoint at = context.clock.now();
  // In a dry run, too, in memory: the rest reasons about the policy that is really in force.
  const auto events =
      observe_policy(found.state, found.values, {context.actor, at, effective_at.value_or(at)});
  if (events.empty()) return found;
  // What an interrupted change has written already is nobody else's edit.
  const bool is_own = found.interrupted.has_value() && options.mode == TickMode::dry_run;
  if (!is_own) notes.push_back(found_note(events.front()));
  if (options.mode == TickMode::apply) context.store.commit(found.state, events);
  return found;
}

}  // namespace dagloop
