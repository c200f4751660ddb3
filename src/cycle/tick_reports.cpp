#include "cycle/tick_steps.hpp"
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

void Tick::show(Json document, const Decision& decision) {
  result_.decision = std::move(document);
  result_.why = decision_lines(decision);
}

void Tick::publish_reports() {
  // While a proposal waits, the document to be approved is published, not that of the tick.
  if (result_.decision.is_null()) show(decision_to_json(decision_), decision_);
  const ReportsConfig& reports = context_.config.reports;
  std::vector<std::string> notes = result_.notes;
  if (state_.last_rollback) notes.push_back(timing_note(*state_.last_rollback));
  const TrendReport trends = judge_trends(state_.days, now_);
  PageInputs page{quality_, &gate_, &decision_, notes};
  if (!state_.days.empty()) page.trends = &trends;
  // The tick that goes back says so in its decision.
  if (decision_.action != Action::rollback) {
    result_.story = rollback_story(state_, context_.config.decision.rollout_key, now_);
  }
  page.story = result_.story;
  result_.wrong = what_is_left_out(quality_);
  for (std::string& line : what_is_wrong(page)) result_.wrong.push_back(std::move(line));
  auto files = render_quality_files(page, reports.formats);
  files.push_back({"dag_quality_gate", "json", to_pretty_json(gate_to_json(gate_, quality_))});
  files.push_back({"dag_policy_decision", "json", to_pretty_json(result_.decision)});
  if (page.trends != nullptr) {
    files.push_back({"dag_trends", "json", to_pretty_json(trends_to_json(trends, now_))});
  }
  try {
    publish(context_.files, reports, now_, files);
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
