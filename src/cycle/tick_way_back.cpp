// What was decided before is carried out before the log is read: a source that hangs, is gone or
// cannot be read holds up no way back.
#include "cycle/tick_steps.hpp"
#include "dagloop/cycle/change_times.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/report/documents.hpp"

namespace dagloop {

bool Tick::go_back_first() { return carry_out_decided() || carry_out_approved(); }

// An earlier tick wrote down that the change missed its verification, and ended before it said
// how it goes back.
bool Tick::carry_out_decided() {
  const auto newest = read_entries(context_.store.newest_records().journal);
  if (state_.phase != Phase::verifying || newest.empty() ||
      newest.back().event.type != EventType::verification_failed) {
    return false;
  }
  const auto target =
      rollback_target(situation_.values, policy_history(state_), context_.config.decision);
  if (!target || target->approval != Decision::Approval::not_required) return false;
  const JournalEvent& decided = newest.back().event;
  const TimePoint due = state_.rollback_due_since.value_or(decided.at);
  const ChangeOutcome outcome = applier().carry_out(
      state_, ChangeRequest{ChangeKind::rollback, target->patch, situation_.env_sha256,
                            decided.decision_digest, decided.why, due, now_});
  done_.push_back(outcome_text(
      "rolled back to the earlier policy, as was decided at " + format_time(decided.at), outcome));
  note(done_.back());
  way_back_code_ = ExitCode::rolled_back;
  return true;
}

// Somebody was asked whether to go back, and said yes. What holds up an approval (a clock that was
// set back, a store in doubt) holds up this one.
bool Tick::carry_out_approved() {
  const Json& document = state_.pending_decision;
  if (document.is_null() || named_digest(document) != decision_digest(document)) return false;
  const Decision pending = decision_from_json(document, "the pending decision");
  if (pending.action != Action::rollback || readiness_.unready() || readiness_.unfit() ||
      context_.clock.now() >= pending.expires_at || pending.env_sha256 != situation_.env_sha256) {
    return false;
  }
  const std::string digest = decision_digest(document);
  std::vector<std::string> passed_over;
  const auto approvals = find_approvals(
      context_.files, context_.config.policy,
      {digest, context_.config.reports.dir + "/dag_policy_decision_latest.json"}, passed_over);
  if (approvals.empty()) return false;
  const ApprovalDemand demand{digest, pending.expires_at, pending.proposed_by,
                              context_.config.policy.people, context_.clock.now()};
  const ApprovalFinding found =
      judge_approvals(approvals, read_approvers(context_.files, context_.config.policy), demand);
  // What does not hold is refused and told where all approvals are looked at.
  if (found.outcome != ApprovalFinding::Outcome::allowed) return false;
  carry_out_pending(pending, digest, found.by);
  done_.push_back(result_.notes.back());
  way_back_code_ =
      result_.code == ExitCode::rolled_back ? ExitCode::rolled_back : ExitCode::negative;
  return true;
}

// A way back that was carried out before the log was read is not hidden by what it says.
void Tick::tell_way_back() {
  if (!way_back_code_) return;
  if (result_.code == ExitCode::done || result_.code == ExitCode::insufficient ||
      result_.code == ExitCode::negative) {
    result_.code = *way_back_code_;
  }
}

}  // namespace dagloop
