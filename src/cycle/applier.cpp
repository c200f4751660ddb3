#include "dagloop/cycle/applier.hpp"

#include <algorithm>
#include <utility>

#include "cycle/env_file_writer.hpp"
#include "cycle/reload_hook.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/change_times.hpp"
#include "dagloop/decide/fault_reason.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {
namespace {

constexpr int kMaxAttempts = 10;  // to go back while somebody else writes the env file
constexpr std::size_t kMaxWhy = 1000;
constexpr const char* kOtherName = "something lay where the new env file was to be written first";

Json patch_side(const Patch& patch, std::string Change::*side) {
  PolicyValues values;
  for (const auto& [key, change] : patch) values[key] = change.*side;
  return values_to_json(values);
}

JournalEvent event_of(EventType type, const Intent& intent, TimePoint at, std::string why) {
  return {at,
          type,
          intent.actor,
          intent.decision_digest,
          patch_side(intent.patch, &Change::before),
          patch_side(intent.patch, &Change::after),
          std::move(why)};
}

Patch reversed(const Patch& patch) {
  Patch back;
  for (const auto& [key, change] : patch) back[key] = {change.after, change.before};
  return back;
}

void settle_values(CycleState& state, const Intent& intent) {
  for (const auto& [key, change] : intent.patch) state.in_force[key] = change.after;
  state.in_force_since = intent.effective_at;
  state.intent.reset();
  state.pending_decision = Json();
}

// The intent stands: which values hold is for the next invocation to find, when the other is done.
[[noreturn]] void refuse_written_over(const std::string& path) {
  throw Error(ErrorKind::conflict, path, "was written over by another program at this very moment",
              "look at who else writes it; the next invocation finishes or undoes the change");
}

std::string seconds_since(TimePoint then, TimePoint now) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - then).count()) +
         " s";
}

}  // namespace

std::string outcome_text(std::string done, ChangeOutcome outcome) {
  switch (outcome) {
    case ChangeOutcome::in_force:
      break;
    case ChangeOutcome::in_force_without_reload:
      done += ", but the reload hook failed: reload by hand";
      break;
    case ChangeOutcome::rolled_back:
      return "the reload hook failed: the earlier policy is back in force";
  }
  return done;
}

ChangeOutcome Applier::carry_out(CycleState& state, const ChangeRequest& request) {
  DAGLOOP_ASSERT(!request.patch.empty());
  DAGLOOP_ASSERT(!state.intent);
  const std::string& path = context_.config.policy.env_file;
  const auto direction =
      request.kind == ChangeKind::apply ? ChangeDirection::forward : ChangeDirection::back;
  if (const auto refusals = allowlist_.refusals(request.patch, direction); !refusals.empty()) {
    const std::string why = reasons_text(fault_reasons(refusals));
    refuse(state, request.decision_digest, why);
    throw Error(ErrorKind::config, path, why,
                "change only keys of " + context_.config.policy.allowlist + ", within its bounds");
  }
  const EnvFile env = env_files().read(path);
  // The whole file, not only our keys: an approver saw the diff against this very text.
  const std::string before_sha256 = sha256_hex(env.text());
  if (before_sha256 != request.env_sha256) {
    refuse(state, request.decision_digest, "the env file is not the one decided on");
    throw Error(ErrorKind::conflict, path, "the env file was changed since the decision",
                "look at the change, then decide and approve again");
  }
  const std::string after = env.patched(request.patch);
  if (request.kind == ChangeKind::apply) {
    check_patch_seen(env, EnvFile::parse(after, path), context_.config.policy.loader,
                     request.patch);
  }
  state.intent = Intent{request.kind,         path,          before_sha256,
                        sha256_hex(after),    request.patch, request.decision_digest,
                        context_.actor,       request.why,   request.decided_at,
                        request.effective_at, state.phase,   request.predictions,
                        context_.word()};
  state.phase = Phase::applying;
  // Used up before anything is written: after a crash no second run may apply it again.
  if (!request.decision_digest.empty()) state.used_decisions.push_back(request.decision_digest);
  const EventType started =
      request.kind == ChangeKind::apply ? EventType::apply_started : EventType::rollback_started;
  context_.store.commit(state,
                        {event_of(started, *state.intent, context_.clock.now(), request.why)});
  // From here on the env file may be written. The intent is on disk before it, so that whoever
  // comes after a crash knows both what stood there and what was to stand there.
  bool stands = true;
  try {
    if (request.kind == ChangeKind::rollback) {
      write_back(state, "the env file was edited elsewhere meanwhile");
    } else {
      stands = env_files().exchange(*state.intent, env.text(), after);
    }
  } catch (const Error& error) {
    give_up(state, error, env.text());
  }
  if (!stands) refuse_written_over(path);
  return finish(state);
}

// What can be taken back at once is, so that the operator's view is right. If even that fails, the
// next invocation recovers.
void Applier::give_up(CycleState& state, const Error& error, const std::string& before) {
  const std::string path = state.intent->env_file;
  const std::string now = env_files().read(path).text();
  if (error.kind() == ErrorKind::conflict && state.intent->kind == ChangeKind::apply &&
      sha256_hex(now) != state.intent->after_sha256) {
    undo(state, redact_text(error.what(), kMaxWhy));
    throw error;
  }
  if (now != before) {
    // Renamed, but perhaps not on disk: the intent stands, and recovery finds out what holds.
    throw Error(ErrorKind::preflight, path, std::string("perhaps not kept: ") + error.what(),
                "mend the cause; the next invocation finishes or undoes the change");
  }
  if (state.intent->kind == ChangeKind::rollback) {
    // What is in force is what has to go: the intent stands, whatever the figures say next.
    throw Error(ErrorKind::preflight, path, std::string("not rolled back: ") + error.what(),
                "mend the cause; the next invocation carries the rollback out");
  }
  undo(state, redact_text(error.what(), kMaxWhy));
  throw Error(ErrorKind::apply_failed, path, std::string("not written: ") + error.what(),
              "the earlier policy is in force; mend the cause and apply again");
}

ChangeOutcome Applier::finish(CycleState& state) {
  DAGLOOP_ASSERT(state.intent);
  const Intent intent = *state.intent;
  // The hook may run twice, here and after a crash: reloading must be harmless. Committing first
  // would risk the other mistake, a policy in force that no process has read.
  const std::string hook_fault = run_hook();
  if (intent.kind == ChangeKind::rollback) {
    complete_rollback(state, hook_fault);
    return hook_fault.empty() ? ChangeOutcome::in_force : ChangeOutcome::in_force_without_reload;
  }
  if (hook_fault.empty()) {
    complete_apply(state);
    return ChangeOutcome::in_force;
  }
  const TimePoint now = context_.clock.now();
  // The new policy was in force, if only for the hook's time: it is the one that is left.
  for (const auto& [key, change] : intent.patch) state.in_force[key] = change.after;
  Intent back = intent;
  back.kind = ChangeKind::rollback;
  back.patch = reversed(intent.patch);
  back.predictions.clear();
  // The way back expects what the change has written, and leaves what stood there before.
  std::swap(back.before_sha256, back.after_sha256);
  back.why = hook_fault;
  back.temporary = context_.word();
  back.decided_at = now;
  state.intent = back;
  // Both in one commit: a crash in between must not find a failed hook and no way back begun.
  context_.store.commit(state, {event_of(EventType::hook_failed, intent, now, hook_fault),
                                event_of(EventType::rollback_started, back, now, hook_fault)});
  write_back(state, "the env file was edited elsewhere while the hook ran");
  complete_rollback(state, run_hook());
  return ChangeOutcome::rolled_back;
}

void Applier::complete_apply(CycleState& state) {
  DAGLOOP_ASSERT(state.intent && state.intent->kind == ChangeKind::apply);
  const Intent intent = *state.intent;
  const TimePoint now = context_.clock.now();
  state.phase = Phase::verifying;
  state.change = ChangeUnderVerification{intent.decision_digest, intent.patch, intent.effective_at,
                                         state.in_force_since};
  state.rolled_back.reset();
  add_entries(state.predictions, intent.predictions);
  settle_values(state, intent);
  context_.store.commit(
      state, {event_of(EventType::applied, intent, now,
                       intent.why + "; in force " + seconds_since(intent.decided_at, now) +
                           " after approval")});
}

void Applier::complete_rollback(CycleState& state, const std::string& hook_fault) {
  DAGLOOP_ASSERT(state.intent && state.intent->kind == ChangeKind::rollback);
  const Intent intent = *state.intent;
  const TimePoint now = context_.clock.now();
  // Of the policy that is left, so before settle_values() puts the other one in force.
  const int count = ++state.rollbacks[policy_fingerprint(state.in_force)];
  state.cooldown_until =
      intent.effective_at + cooldown_after(count, context_.config.decision.cooldown);
  const PolicyValues left = state.in_force;
  // Since when it was due, over ticks that could not carry it out: that is what operators wait for.
  const TimePoint trigger_at = state.rollback_due_since.value_or(intent.decided_at);
  state.last_rollback = RollbackTiming{trigger_at, now};
  state.rolled_back = RolledBack{intent.effective_at, intent.patch, intent.why};
  state.rollback_due_since.reset();
  mark_undone(state.predictions, intent.patch);
  settle_values(state, intent);
  // What had to be rolled back is no place to go back to, even if it passed once.
  std::erase(state.verified, left);
  state.phase = Phase::rolled_back;
  state.change.reset();
  std::vector<JournalEvent> events{
      event_of(EventType::rolled_back, intent, now,
               intent.why + "; in force " + seconds_since(trigger_at, now) +
                   " after its trigger; cool-down until " + format_time(*state.cooldown_until))};
  if (!hook_fault.empty()) {
    events.push_back(event_of(EventType::hook_failed, intent, now, hook_fault));
  }
  context_.store.commit(state, events);
}

void Applier::undo(CycleState& state, const std::string& why) {
  DAGLOOP_ASSERT(state.intent);
  const Intent intent = *state.intent;
  state.phase = intent.phase_before;
  state.intent.reset();
  // Nothing of it was ever in force, so the approval is as good as before.
  std::erase(state.used_decisions, intent.decision_digest);
  context_.store.commit(state, {event_of(EventType::undone, intent, context_.clock.now(), why)});
}

std::vector<std::string> Applier::recover(CycleState& state) {
  if (!state.intent) return {};
  const Intent intent = *state.intent;
  // First an exchange that was cut short: what it took out of its place may have to go back.
  const std::string strange = env_files().settle(intent);
  std::vector<std::string> done = finish_or_undo(state, intent);
  if (!strange.empty()) {
    done.push_back(strange +
                   " is not what the interrupted change wrote: it is left as it is; look "
                   "whose it is, and at what it holds");
  }
  return done;
}

std::vector<std::string> Applier::finish_or_undo(CycleState& state, const Intent& intent) {
  const std::string change =
      std::string(to_string(intent.kind)) + " of " +
      (intent.decision_digest.empty() ? "an operator" : intent.decision_digest.substr(0, 12));
  const EnvFile env = env_files().read(intent.env_file);
  // By our keys alone, not by the whole text: somebody may have edited other lines since.
  switch (standing_of(intent.patch, env)) {
    case Standing::after:
      if (finish(state) == ChangeOutcome::rolled_back) {
        return {"an interrupted " + change + " was taken back: the reload hook failed"};
      }
      return {"an interrupted " + change + " was finished: its values were written already"};
    case Standing::before:
      if (intent.kind == ChangeKind::rollback) {
        write_back(state, "resumed; the env file was edited elsewhere meanwhile");
        static_cast<void>(finish(state));
        return {"an interrupted " + change + " was carried out"};
      }
      undo(state, "interrupted before the env file was written");
      return {"an interrupted " + change + " was taken back: nothing had been written"};
    case Standing::mixed:
      break;
  }
  state.phase = Phase::rejected;
  // Some of our values and some of somebody else's: neither way can be carried out without writing
  // over an edit. The operator's text stands.
  state.intent.reset();
  state.change.reset();
  state.pending_decision = Json();
  const std::string why = "interrupted, and the env file was edited since: its values stand";
  context_.store.commit(state, {event_of(EventType::conflict, intent, context_.clock.now(), why)});
  return {"an interrupted " + change + " was given up: " + why};
}

// A rollback is wanted whatever else is edited meanwhile; the journal says first what is written.
void Applier::write_back(CycleState& state, const std::string& why_again) {
  DAGLOOP_ASSERT(state.intent && state.intent->kind == ChangeKind::rollback);
  for (int attempt = 1;; ++attempt) {
    const EnvFile env = env_files().read(state.intent->env_file);
    // Who wrote over it may have put our values back by itself.
    if (attempt > 1 && standing_of(state.intent->patch, env) == Standing::after) return;
    const std::string after = env.patched(state.intent->patch);
    const bool is_edited = sha256_hex(env.text()) != state.intent->before_sha256;
    // A name under which something lies is known to others: another one is taken.
    const bool is_taken = env_files().is_taken(*state.intent);
    if (is_taken) state.intent->temporary = context_.word();
    if (is_edited || is_taken) {
      state.intent->before_sha256 = sha256_hex(env.text());
      state.intent->after_sha256 = sha256_hex(after);
      context_.store.commit(
          state, {event_of(EventType::rollback_started, *state.intent, context_.clock.now(),
                           is_edited ? why_again : kOtherName)});
    }
    try {
      if (env_files().exchange(*state.intent, env.text(), after)) return;
      if (attempt == kMaxAttempts) refuse_written_over(state.intent->env_file);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::conflict || attempt == kMaxAttempts) throw;
    }
  }
}

void Applier::refuse(CycleState& state, const std::string& digest, const std::string& why) {
  context_.store.commit(state, {{context_.clock.now(), EventType::refused, context_.actor, digest,
                                 Json(), Json(), redact_text(why, kMaxWhy)}});
}

EnvFileWriter Applier::env_files() const {
  return {context_.files, context_.config.policy.symlinks};
}

std::string Applier::run_hook() {
  return run_reload_hook(context_.processes, context_.config.policy);
}

}  // namespace dagloop
