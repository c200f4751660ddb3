#include <utility>

#include "cycle/tick_steps.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/cycle/change_times.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {

namespace {

// A step up the ladder waits for nothing once a line is crossed, also while a gate has too few runs
// of its own. A change of other keys does: it may be what mends the figures.
std::vector<Reason> crossed_lines(const Decision& pending, const Decision& now) {
  std::vector<Reason> crossed;
  if (pending.action != Action::promote) return crossed;
  for (const TriggerResult& trigger : now.triggers) {
    const bool is_crossed =
        trigger.state == TriggerState::fired || trigger.state == TriggerState::unconfirmed;
    if (is_crossed) crossed.push_back(trigger.reason);
  }
  return crossed;
}

}  // namespace

void Tick::consider_pending() {
  if (named_digest(state_.pending_decision) != decision_digest(state_.pending_decision)) {
    // What an approval of it would sign is another digest by now.
    withdraw(EventType::rejected, Phase::rejected,
             "an earlier version of dagloop made it, and its digest no longer holds");
    if (!decision_.patch.empty()) propose();
    return;
  }
  const Decision pending = decision_from_json(state_.pending_decision, "the pending decision");
  if (readiness_.unready()) {
    // What stands is what can be approved once the files are there.
    if (decision_.patch == pending.patch) result_.decision = state_.pending_decision;
    return;
  }
  if (context_.clock.now() >= pending.expires_at) {
    withdraw(EventType::expired, Phase::expired, "not approved in time");
  } else if (pending.env_sha256 != situation_.env_sha256) {
    withdraw(EventType::conflict, Phase::rejected, "the env file was changed since the decision");
    result_.code = ExitCode::conflict;
  } else if (const auto crossed = crossed_lines(pending, decision_); !crossed.empty()) {
    withdraw(EventType::rejected, Phase::rejected,
             "the figures no longer support it: " + reasons_text(crossed));
    if (!decision_.patch.empty()) propose();
  } else if (!is_settled_data() && decision_.action != Action::rollback) {
    // Neither applied nor withdrawn: an outage of the log is no judgement of the change.
    note("the proposed change waits: the data cannot be relied on at present");
  } else if (decision_.patch != pending.patch) {
    // Other figures that lead to the same patch are the same change; these lead to another one.
    withdraw(EventType::rejected, Phase::rejected,
             "the figures no longer support it: " + reasons_text(decision_.reasons));
    if (!decision_.patch.empty()) propose();
  } else {
    apply_pending(pending);
  }
}

void Tick::apply_pending(const Decision& pending) {
  const Config& config = context_.config;
  const std::string digest = decision_digest(state_.pending_decision);
  const auto approvals = find_approvals(
      context_.files, config.policy,
      {digest, config.reports.dir + "/dag_policy_decision_latest.json"}, result_.notes);
  result_.decision = state_.pending_decision;
  if (approvals.empty()) {
    note("waits for approval until " + format_time(pending.expires_at));
    note("judged again, the present figures support it");
    return;
  }
  const ApprovalDemand demand{digest, pending.expires_at, pending.proposed_by, config.policy.people,
                              context_.clock.now()};
  const ApprovalFinding found =
      judge_approvals(approvals, read_approvers(context_.files, config.policy), demand);
  if (found.outcome == ApprovalFinding::Outcome::incomplete) {
    note("waits for another approval until " + format_time(pending.expires_at) + ": " + found.why);
    return;
  }
  if (found.outcome == ApprovalFinding::Outcome::refused) {
    refuse_approval(digest, found.why);
    return;
  }
  is_made_ = carry_out_pending(pending, digest, found.by);
}

void Tick::refuse_approval(const std::string& digest, const std::string& fault) {
  note("approval refused: " + fault);
  result_.code = ExitCode::approval;
  // One entry for each kind of refusal: a bad file that stays for weeks must not fill the journal.
  if (!applies() || state_.last_refusal == fault) return;
  state_.last_refusal = fault;
  commit(EventType::refused, digest, patch_to_json(decision_.patch), fault);
}

// Whether it is in force now.
bool Tick::carry_out_pending(const Decision& pending, const std::string& digest,
                             const std::vector<Approval>& approvals) {
  const std::string why = approved_by(approvals);
  if (!applies()) {
    note("would apply the proposed change, " + why);
    is_approved_ = true;
    return false;
  }
  // In the journal before anything is written, so that a crash later does not hide who allowed it.
  state_.phase = Phase::approved;
  commit(EventType::approved, digest, patch_to_json(pending.patch), why);
  const auto kind = pending.action == Action::rollback ? ChangeKind::rollback : ChangeKind::apply;
  const ChangeOutcome outcome =
      applier().carry_out(state_, ChangeRequest{kind, pending.patch, pending.env_sha256, digest,
                                                why, allowed_time(approvals, context_.clock.now()),
                                                now_, entries_of(pending, digest, now_)});
  note(outcome_text("applied the proposed change, " + why, outcome));
  if (outcome != ChangeOutcome::in_force) result_.code = ExitCode::rolled_back;
  is_taken_back_ = outcome == ChangeOutcome::rolled_back;
  return !is_taken_back_;
}

void Tick::withdraw(EventType type, Phase phase, const std::string& why) {
  const std::string digest = named_digest(state_.pending_decision);
  const Json* patch = state_.pending_decision.find("patch");
  Json withdrawn = patch == nullptr ? Json() : *patch;
  note("proposal " + digest.substr(0, 12) + " is withdrawn: " + why);
  state_.pending_decision = Json();
  state_.phase = phase;
  if (applies()) commit(type, digest, std::move(withdrawn), why);
}

void Tick::propose() {
  DAGLOOP_ASSERT(state_.phase != Phase::verifying);  // the way back from there needs no approval
  if (readiness_.unready()) return;
  result_.decision = decision_to_json(decision_);
  if (!applies()) {
    note(
        "would propose a change; run with --apply to propose it: only what the state holds as "
        "proposed can be approved and applied");
    return;
  }
  state_.pending_decision = result_.decision;
  state_.phase = Phase::proposed;
  // What was refused before was an approval of another proposal.
  state_.last_refusal.clear();
  const std::string digest = decision_digest(result_.decision);
  commit(EventType::proposed, digest, patch_to_json(decision_.patch),
         reasons_text(decision_.reasons));
  note("proposed a change, to be approved until " + format_time(decision_.expires_at));
}

}  // namespace dagloop
