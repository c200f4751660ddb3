// What a tick makes of the change under verification, and of a slow decline.
#include <algorithm>

#include "cycle/tick_steps.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {

// A change that misses its gate is a rollback even where no trigger fired.
void Tick::judge_change() {
  DAGLOOP_ASSERT(verification_);
  const Verification& verification = *verification_;
  const std::string why = reasons_text(verification.reasons);
  switch (verification.outcome) {
    case VerificationOutcome::waiting:
      waits_for_ = verification.reasons;
      if (decision_.action == Action::rollback) return;  // it ends here
      note("the change applied at " + format_time(state_.change->applied_at) +
           " is under verification: " + why);
      tell_unverified(why);
      return;
    case VerificationOutcome::missed:
      if (decision_.action != Action::rollback) {
        decision_.action = Action::rollback;
        const auto target =
            rollback_target(situation_.values, policy_history(state_), context_.config.decision);
        if (target) {
          decision_.patch = target->patch;
          decision_.approval = target->approval;
          decision_.next_percent = next_percent_of(target->patch);
        }
      }
      decision_.reasons.push_back({"verification_missed", {{"why", verification.reasons}}});
      return;
    case VerificationOutcome::passed:
      if (decision_.action == Action::rollback) return;
      // A gate that passes does not outweigh a trigger that fired.
      stop_if_unfit();
      passed_ = Reason{"verification_passed", {{"why", verification.grounds}}};
      note("the change passed its verification");
      // From now on this policy is one that the loop may go back to without asking.
      state_.phase = Phase::settled;
      state_.verified.push_back(situation_.values);
      const std::string digest = state_.change->decision_digest;
      note_outcome(digest);
      state_.change.reset();
      if (applies()) {
        commit(EventType::verified, digest, patch_to_json(decision_.patch),
               reasons_text(verification.grounds) + "; soak over");
      }
      return;
  }
}

std::optional<int> Tick::next_percent_of(const Patch& patch) const {
  const auto step = patch.find(context_.config.decision.rollout_key);
  if (step == patch.end()) return std::nullopt;
  return rollout_percent({{step->first, step->second.after}}, step->first);
}

// The runs that would tell never came, or could not be read. The change stays as it is, under
// verification: triggers and runs that come late still take it back, or settle it. Nothing else
// goes on until then, so a person has to look.
void Tick::tell_unverified(const std::string& why) {
  const DecisionConfig& config = context_.config.decision;
  const Microseconds patience = std::max(config.soak, config.verification_timeout);
  if (now_ - state_.change->applied_at < patience) return;
  const Error error(ErrorKind::attention, "verification",
                    "the change applied at " + format_time(state_.change->applied_at) +
                        " is not verified within " + format_duration(patience) + ": " + why,
                    "mend what keeps its runs from being judged, or take it back with "
                    "apply_dag_policy --rollback --apply");
  result_.faults.emplace_back(error.what());
  // A rollback is more urgent.
  if (decision_.action != Action::rollback) result_.code = exit_code(error.kind());
}

// It is no evidence against the policy, so nothing is taken back: a person has to look.
void Tick::tell_decline() {
  const auto& reasons = decision_.reasons;
  const auto found = std::find_if(reasons.begin(), reasons.end(),
                                  [](const Reason& reason) { return reason.code == kDeclined; });
  if (found == reasons.end() || decision_.action == Action::rollback) return;
  const Error error(ErrorKind::attention, "decline", reasons_text({*found}),
                    "look for what changed, then go back or begin anew");
  result_.faults.emplace_back(error.what());
  if (result_.code == ExitCode::done || result_.code == ExitCode::insufficient) {
    result_.code = exit_code(error.kind());
  }
}

// What came of a change is written into the ledger, beside what was predicted of it.
void Tick::note_outcome(const std::string& digest) {
  if (add_outcome(state_.predictions, digest, quality_) == 0) return;
  const auto is_told = [&](const LedgerEntry& entry) {
    return entry.decision_digest == digest && is_inside(entry).has_value();
  };
  if (std::any_of(state_.predictions.begin(), state_.predictions.end(), is_told)) {
    note("what came of the change is told beside its prediction");
  }
}

}  // namespace dagloop
