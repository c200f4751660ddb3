#include "dagloop/cycle/tick.hpp"

#include <algorithm>
#include <utility>

#include "cycle/tick_steps.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/cycle/assessment.hpp"
#include "dagloop/cycle/change_times.hpp"
#include "dagloop/cycle/daily_history.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/forward_clock.hpp"
#include "dagloop/cycle/overdue_limit.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/cycle/verification.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/page.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {

namespace {

constexpr const char* kNextTick = "nothing to do: the next tick goes on";

}  // namespace

// What was done already is not hidden by what goes wrong after it.
TickResult Tick::run() {
  try {
    return take_steps();
  } catch (const Error& error) {
    if (done_.empty()) throw;
    std::string text = error.what();
    for (const std::string& done : done_) text += "; done before that: " + done;
    throw Error::retold(error.kind(), text);
  }
}

TickResult Tick::take_steps() {
  look();
  // Without the lock: a log may take long, and nobody who wants to go back waits for it.
  read_log();
  const auto lock = lock_what_was_read();
  decide_on_log();
  step();
  tell_unready();
  tell_way_back();
  keep_evidence();
  publish_reports();
  result_.phase = applies() ? state_.phase : stored_phase_;
  result_.last_rollback = state_.last_rollback;
  return std::move(result_);
}

// What the state and the env file ask for whatever the log says is done first.
void Tick::look() {
  const auto lock = lock_for_change(context_, mode_, kNextTick);
  CycleState stored = context_.store.load();
  stored_phase_ = stored.phase;
  check_as_of(stored);
  // An interrupted change takes the allowlist alone: it is finished or undone before the rest is
  // looked for. Where even that is missing, all that is missing is named.
  if (!context_.files.stat(context_.config.policy.allowlist)) {
    readiness_.check_files(result_.notes);
  }
  take_situation(std::move(stored));
  if (applies() && go_back_first()) take_situation(context_.store.load());
}

void Tick::take_situation(CycleState stored) {
  const bool is_recovered = applies() && stored.intent;
  situation_ = find_situation(
      context_, std::move(stored),
      {mode_, "a change was interrupted; the next tick with --apply finishes or undoes it",
       [this, is_recovered](const CycleState& recovered) {
         if (is_recovered) done_ = result_.notes;
         return prepare(recovered);
       }},
      result_.notes);
}

void Tick::read_log() {
  try {
    assess_log();
  } catch (const Error& error) {
    // Most likely the line that the service's loader reads otherwise is why.
    if (error.kind() == ErrorKind::config) check_loader(situation_);
    throw;
  }
  read_last_day();
}

// Whether what was read is about the state and the env file that are there.
bool Tick::is_up_to_date() const {
  const StoredRecords stored = context_.store.newest_records();
  const EnvFile env = read_env_file(context_.files, context_.config.policy.env_file,
                                    context_.config.policy.symlinks);
  return (stored.state ? stored.state->version : 0) == situation_.state.version &&
         sha256_hex(env.text()) == situation_.env_sha256;
}

std::unique_ptr<StateLock> Tick::lock_what_was_read() {
  auto lock = lock_for_change(context_, mode_, kNextTick);
  if (!applies() || is_up_to_date()) return lock;
  lock.reset();
  result_ = TickResult();
  result_.notes = done_;
  look();
  read_log();
  lock = lock_for_change(context_, mode_, kNextTick);
  if (is_up_to_date()) return lock;
  throw Error(ErrorKind::conflict, context_.config.state,
              "other processes changed it, or the env file, twice while the logs were read",
              kNextTick);
}

void Tick::check_as_of(const CycleState& stored) const {
  // Runs from before would be judged as those of the policy in force, and it could be rolled back
  // for what another one did.
  if (!applies() || !as_of_ || !stored.in_force_since || now_ >= *stored.in_force_since) return;
  throw Error(ErrorKind::usage, "--as-of",
              "lies before the policy in force began (" + format_time(*stored.in_force_since) + ")",
              "give a later time, leave out --as-of, or leave out --apply");
}

// Returns the tick's present.
TimePoint Tick::prepare(const CycleState& recovered) {
  readiness_.check_files(result_.notes);
  readiness_.read_rules_and_approvers();
  if (!as_of_) now_ = std::max(now_, recovered.in_force_since.value_or(now_));
  readiness_.check_machine(machine_, as_of_ ? std::nullopt : std::optional(now_));
  return now_;
}

void Tick::stop_if_unfit() const {
  if (goes_back_at_once()) return;
  if (readiness_.unfit()) throw Error(*readiness_.unfit());
  // What the service does not get, it need not get to go back.
  if (decision_.action != Action::rollback) check_loader(situation_);
}

// Whoever has to mend it is called by the exit code, where nothing more urgent does.
void Tick::tell_unready() {
  for (const auto* fault : {&readiness_.unready(), &readiness_.unwritable()}) {
    if (!*fault) continue;
    result_.faults.emplace_back((*fault)->what());
    if (result_.code == ExitCode::done || result_.code == ExitCode::insufficient) {
      result_.code = exit_code((*fault)->kind());
    }
  }
}

void Tick::assess_log() {
  const Config& config = context_.config;
  const Config judged = under_policy(config, situation_.env);
  Assessment found = assess({config, situation_.allowlist.keys(), readiness_.rules()},
                            {situation_.values, situation_.env_sha256, policy_history(state_),
                             state_.evidence, now_, state_.days},
                            [&](const EvaluationRequest& request) {
                              return evaluate(source_, request, judged, context_.clock);
                            });
  quality_ = std::move(found.quality);
  gate_ = std::move(found.gate);
  decision_ = std::move(found.decision);
  sealed_ = std::move(found.evidence.sealed);
  verification_.reset();
  if (state_.phase == Phase::verifying) {
    verification_ = verify_change(*state_.change, gate_, quality_, now_, config.decision);
  }
}

void Tick::decide_on_log() {
  const Config& config = context_.config;
  if (quality_.current.window.length() < config.window) {
    const Microseconds warmup = warmup_in_effect(config.decision);
    note("the window is cut to the policy in force since " + format_time(*state_.in_force_since) +
         (warmup > Microseconds::zero()
              ? ", without runs that began in the first " + format_duration(warmup)
              : ""));
  }
  if (state_.has_earlier_evidence) {
    note("the evidence of an earlier version is not gone on with: it begins anew, from the log");
  }
  has_news_ = has_day_ || !(sealed_ == state_.evidence);
  state_.evidence = std::move(sealed_);
  const std::string& rollout_key = config.decision.rollout_key;
  const TriggersAt seen{decision_.triggers, decision_.as_of};
  if (note_excluded(state_.excluded, situation_.values, rollout_key, seen)) has_news_ = true;
  // By the clock, also with --as-of: approvals are given, and expire, in real time.
  decision_.generated_at = context_.clock.now();
  decision_.expires_at = decision_.generated_at + config.policy.approval_ttl;
  result_.code = code_of_decision();
  tell_unreadable();
  if (state_.phase == Phase::verifying) judge_change();
  tell_decline();
  // The commits that end a verification keep the outcome; the decision tells it already.
  if (state_.phase == Phase::verifying && goes_back_at_once()) {
    note_outcome(state_.change->decision_digest);
  }
  tell_predictions(state_.predictions, decision_);
}

// The first line that could not be read and why, for who has to mend it.
void Tick::tell_unreadable() {
  const auto error = unreadable_log(quality_, context_.config.input.limits);
  if (!error) return;
  result_.faults.emplace_back(error->what());
  result_.code = exit_code(error->kind());
}

// For trends alone: holds nothing up, a way back least of all.
void Tick::read_last_day() {
  has_day_ = false;
  if (!applies() || decision_.action == Action::rollback || misses_verification()) return;
  const auto day = day_to_read(state_.days, now_, context_.config);
  if (!day || !data_faults(quality_, context_.config.input.limits).empty()) return;
  try {
    keep_day(state_.days, read_day(source_, *day, context_.config, context_.clock));
    has_day_ = true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::source) throw;
    note(std::string("the figures of the last day are not kept: ") + error.what());
  }
}

// Whatever else was committed has kept it, too.
void Tick::keep_evidence() {
  if (!has_news_ || !applies()) return;
  has_news_ = false;
  context_.store.commit(
      state_, {{context_.clock.now(), EventType::observed, context_.actor, "", Json(), Json(),
                "counted up to " + format_time(state_.evidence.until)}});
}

void Tick::step() {
  stop_if_unfit();
  if (readiness_.unready())
    note(std::string("no change can be proposed or applied: ") + readiness_.unready()->what());
  note_trigger();
  if (decision_.action == Action::rollback) {
    roll_back();
  } else if (situation_.interrupted && !applies()) {
    return;  // what it would find is the change half made
  } else if (!state_.pending_decision.is_null()) {
    consider_pending();
  } else if (!decision_.patch.empty() && state_.phase != Phase::verifying) {
    propose();
  }
}

// From when on a rollback is due, over the ticks that it may take.
void Tick::note_trigger() {
  if (decision_.action == Action::rollback) {
    if (state_.rollback_due_since) return;
    state_.rollback_due_since = trigger_time(decision_);
    has_news_ = true;  // also where nothing can be proposed
  } else if (state_.rollback_due_since) {
    const std::string why = "the rollback due since " + format_time(*state_.rollback_due_since) +
                            " is no longer wanted";
    state_.rollback_due_since.reset();
    if (applies()) commit(EventType::rejected, "", Json(), why);
  }
}

void Tick::roll_back() {
  const bool was_verifying = state_.phase == Phase::verifying;
  if (situation_.loader_fault) note(situation_.loader_fault->what());
  if (decision_.patch.empty()) {
    note("rollback: there is no lower step and no earlier policy to go back to");
    if (!state_.pending_decision.is_null()) consider_pending();
    return;
  }
  if (decision_.approval == Decision::Approval::required) {
    // No policy was approved before: a person decides, as for every other change.
    state_.pending_decision.is_null() ? propose() : consider_pending();
    return;
  }
  if (!applies()) {
    note("would roll back at once: this way back needs no approval");
    return;
  }
  if (!state_.pending_decision.is_null()) {
    withdraw(EventType::rejected, state_.phase, "superseded by a rollback");
  }
  const std::string why = reasons_text(decision_.reasons);
  const std::string digest = decision_digest(decision_to_json(decision_));
  // Before the change, in a commit of its own: should the env file not be writable, the journal
  // still says what was found.
  if (was_verifying) {
    commit(EventType::verification_failed, digest, patch_to_json(decision_.patch), why);
  }
  has_news_ = false;  // a change commits the state
  is_made_ = true;
  const ChangeOutcome outcome = applier().carry_out(
      state_, ChangeRequest{ChangeKind::rollback, decision_.patch, situation_.env_sha256, digest,
                            why, trigger_time(decision_), now_});
  note(outcome_text("rolled back to the earlier policy", outcome));
  if (was_verifying || outcome != ChangeOutcome::in_force) result_.code = ExitCode::rolled_back;
  if (readiness_.unfit()) note(std::string("all else is held up: ") + readiness_.unfit()->what());
}

void Tick::commit(EventType type, const std::string& digest, Json patch, const std::string& why) {
  has_news_ = false;
  context_.store.commit(state_, {{context_.clock.now(), type, context_.actor, digest, Json(),
                                  std::move(patch), why}});
}

ExitCode Tick::code_of_decision() const {
  if (decision_.action == Action::rollback) return ExitCode::negative;
  return is_settled_data() ? ExitCode::done : ExitCode::insufficient;
}

TickResult run_tick(const TickContext& given, TickMode mode, std::optional<TimePoint> as_of) {
  // Times of the journal never go back, whatever the machine's clock does.
  const ForwardClock clock(given.clock, newest_event_time(given.store));
  const ChangeContext context{given.files,  given.processes, given.store, clock,
                              given.config, kTickActor,      given.word};
  try {
    return Tick(context, given.source, given.clock, mode, as_of).run();
  } catch (const Error& error) {
    const bool is_told = error.kind() == ErrorKind::source || error.kind() == ErrorKind::config ||
                         error.kind() == ErrorKind::preflight;
    if (!is_told) throw;
    // The last page must not go on showing a healthy service while ticks fail.
    publish_failure(context.files, context.config.reports, as_of.value_or(clock.now()), error,
                    mode == TickMode::apply ? OldReports::removed : OldReports::kept);
    throw;
  }
}

}  // namespace dagloop
