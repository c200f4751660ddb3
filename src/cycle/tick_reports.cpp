#include "cycle/tick_steps.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/report/documents.hpp"

namespace dagloop {
namespace {

std::string timing_note(const RollbackTiming& timing) {
  const auto took =
      std::chrono::duration_cast<std::chrono::seconds>(timing.in_force_at - timing.trigger_at);
  return "last rollback: the earlier policy was in force " + std::to_string(took.count()) +
         " s after the trigger of " + format_time(timing.trigger_at);
}

}  // namespace

// With what a verification came to in place of that it was under way when it was decided.
Decision Tick::decision_as_told() const {
  Decision told = decision_;
  if (!passed_ && !has_reason(told.reasons, "verification_missed")) return told;
  std::erase_if(told.reasons,
                [](const Reason& each) { return each.code == "change_under_verification"; });
  if (passed_) told.reasons.insert(told.reasons.begin(), *passed_);
  return told;
}

// The tick's own figures, also while the document of a proposal waits: an operator is told how
// things are, not how they were.
void Tick::tell_decision(const Decision& told) {
  const bool waits = !state_.pending_decision.is_null() && !told.patch.empty();
  const auto stage = !applies() ? DecisionStage::dry_run
                     : is_made_ ? DecisionStage::made
                     : waits    ? DecisionStage::waits
                                : DecisionStage::decided;
  result_.headline = decision_headline(told, stage);
  result_.why = decision_lines(told, stage);
  for (const std::string& warning : gate_warnings(gate_)) {
    result_.why += "  " + escape_controls(warning) + "\n";
  }
}

NextStep Tick::next_step() const {
  TickEnd end{context_.config, decision_, mode_, result_.code, now_};
  end.cooldown_until = state_.cooldown_until;
  end.waits_for = waits_for_;
  if (!state_.pending_decision.is_null()) {
    const JsonReader pending(state_.pending_decision, "the pending decision");
    end.approve_until = pending.at("expires_at").time();
  }
  end.is_interrupted = !applies() && situation_.interrupted;
  end.is_approved = is_approved_;
  end.is_made = is_made_;
  end.is_taken_back = is_taken_back_;
  end.readiness = readiness_.unready()           ? TickEnd::Readiness::unready
                  : readiness_.lacks_approvers() ? TickEnd::Readiness::no_approvers
                                                 : TickEnd::Readiness::ready;
  return next_after(end);
}

void Tick::publish_reports() {
  // While a proposal waits, the document to be approved is published, not that of the tick.
  if (result_.decision.is_null()) result_.decision = decision_to_json(decision_);
  const Decision told = decision_as_told();
  tell_decision(told);
  const ReportsConfig& reports = context_.config.reports;
  std::vector<std::string> notes = result_.notes;
  if (state_.last_rollback) notes.push_back(timing_note(*state_.last_rollback));
  const TrendReport trends = judge_trends(state_.days, now_);
  PageInputs page{quality_, &gate_, &told, notes};
  if (!state_.days.empty()) page.trends = &trends;
  // The tick that goes back says so in its decision.
  if (decision_.action != Action::rollback) {
    result_.story = rollback_story(state_, context_.config.decision.rollout_key, now_);
  }
  page.story = result_.story;
  page.stage = is_made_ ? DecisionStage::made : DecisionStage::decided;
  result_.next = next_step();
  page.next = next_sentence(result_.next);
  result_.wrong = what_is_left_out(quality_);
  for (std::string& line : what_is_wrong(page)) result_.wrong.push_back(std::move(line));
  auto files = render_quality_files(page, reports.formats);
  files.push_back({"dag_quality_gate", "json", to_pretty_json(gate_to_json(gate_, quality_))});
  files.push_back({"dag_policy_decision", "json", to_pretty_json(result_.decision)});
  if (page.trends != nullptr) {
    files.push_back({"dag_trends", "json", to_pretty_json(trends_to_json(trends, now_))});
  }
  try {
    publish(context_.files, reports, now_, files,
            applies() ? OldReports::removed : OldReports::kept);
  } catch (const Error& error) {
    // What was decided and done stands; an exit code that calls somebody already says so.
    result_.faults.emplace_back(error.what());
    note("the reports are not written: " + result_.faults.back());
    // A code that says "rolled back" or "conflict" is more urgent than a page that is missing.
    if (result_.code == ExitCode::done || result_.code == ExitCode::insufficient) {
      result_.code = ExitCode::source_failed;
    }
  }
}

}  // namespace dagloop
