#include <algorithm>
#include <array>

#include "dagloop/base/redaction.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/page.hpp"
#include "dagloop/report/words.hpp"
#include "report/figures.hpp"

namespace dagloop {
namespace {

// What a line of a reason (empty: its code) and of a change begins with.
struct Labels {
  std::string_view reason;
  std::string_view change;
};

std::string reasons_and_changes(const Decision& decision, const Labels& labels) {
  std::string text;
  for (const Reason& reason : decision.reasons) {
    const std::string_view label = labels.reason.empty() ? reason.code : labels.reason;
    text += "  " + escape_controls(label) + ": " + escape_controls(reason_text(reason)) + "\n";
  }
  for (const auto& [key, change] : decision.patch) {
    text.append("  ").append(labels.change);
    text += escape_controls(key + ": " + change.before + " -> " + change.after) + "\n";
  }
  for (const Recommendation& advice : decision.recommendations) {
    const auto change = decision.patch.find(advice.env_key);
    if (change == decision.patch.end()) continue;
    // The patch may be of another rule: a prediction is shown only for exactly the change that is
    // signed.
    if (change->second != Change{advice.current, advice.suggested}) continue;
    text += "  predicted: " + escape_controls(expected_effect_text(advice)) +
            (advice.trust == Trust::badly_calibrated ? " (the model was often wrong)" : "") + "\n";
  }
  return text;
}

// "from 10 % to 30 %"; "at 100 %, with a change of DAG_NODE_MAX_ATTEMPTS".
std::string where_of(const Decision& decision) {
  const std::string now = std::to_string(decision.current_percent) + " %";
  if (decision.next_percent) {
    return "from " + now + " to " + std::to_string(*decision.next_percent) + " %";
  }
  std::string keys;
  for (const auto& [key, change] : decision.patch) keys += (keys.empty() ? "" : ", ") + key;
  return "at " + now + (keys.empty() ? "" : ", with a change of " + keys);
}

std::string_view gate_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::PASS:
      return "passes";
    case Verdict::FAIL:
      return "fails";
    case Verdict::INSUFFICIENT:
      break;
  }
  return "cannot judge";
}

// A gate that passes beside a rollback reads as a contradiction unless it is said what each judges.
std::string verdict_of(const Decision& decision) {
  std::string gate = "the gate " + std::string(gate_word(decision.verdict));
  if (decision.action != Action::rollback) return gate;
  const bool has_fired =
      std::any_of(decision.reasons.begin(), decision.reasons.end(),
                  [](const Reason& each) { return each.code.ends_with("_fired"); });
  if (!has_fired) return "the change missed its verification";
  if (decision.verdict != Verdict::PASS) return "a trigger fired, and " + gate;
  return "a trigger fired, although all runs together pass the gate";
}

// "98.2 % succeeded (221 of 225), p95 1.00 s".
std::string side_figures(const PopulationKpis& figures) {
  // Overdue runs count as failed, as in the reasons.
  const Kpi* success = figures.decided().find("pipeline_success_rate");
  if (success == nullptr || !success->value) return "no runs";
  std::string text = show_percent(*success->value) + " succeeded (" +
                     show_count(success->numerator) + " of " + show_count(success->denominator) +
                     ")";
  const Kpi* p95 = figures.kpis.find("p95_latency_ms");
  return p95 == nullptr || !p95->value ? text : text + ", p95 " + show_latency(*p95->value);
}

}  // namespace

std::string decision_headline(const Decision& decision, DecisionStage stage) {
  constexpr std::array<std::string_view, 4> kStages{"", ", dry run", ", waits for an approval",
                                                    ", done"};
  return escape_controls(std::string(to_string(decision.action)) + " " + where_of(decision)) +
         std::string(kStages.at(static_cast<std::size_t>(stage))) + "; " + verdict_of(decision);
}

std::string decision_lines(const Decision& decision, DecisionStage stage) {
  const bool is_made = stage == DecisionStage::made;
  return reasons_and_changes(decision, {"", is_made ? "changed " : "patch "});
}

std::vector<std::string> gate_warnings(const GateResult& gate) {
  std::vector<std::string> lines;
  for (const CheckResult& result : gate.checks) {
    if (result.check.severity == Severity::fail || result.status == CheckStatus::pass) continue;
    lines.push_back("warning, which stops nothing: " + reason_text(result.reason));
  }
  return lines;
}

std::string present_text(const Quality& quality, const GateResult& gate) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  std::string text = "  now, as of " + format_time(quality.as_of) + ": the gate " +
                     std::string(gate_word(gate.verdict)) + "\n";
  const auto add = [&](std::string_view side, const PopulationKpis& figures) {
    text += "  now, " + std::string(side) + ": " + side_figures(figures) + "\n";
  };
  for (const auto& [cohort, figures] : dag.cohorts) add(to_string(cohort), figures);
  if (dag.cohorts.empty()) add("this window", dag);
  if (dag.cohorts.empty() && quality.baseline) {
    add("before it", quality.baseline->population(Population::dag));
  }
  for (const std::string& line : what_is_wrong({quality, &gate})) {
    text += "  now: " + escape_controls(line) + "\n";
  }
  return text;
}

std::string decision_text(const Decision& decision, std::string_view digest) {
  std::string text = "decision " + std::string(digest) + "\n";
  text += decision_headline(decision, DecisionStage::decided) + "\n";
  text += "  proposed by " + escape_controls(decision.proposed_by) + ", on the figures as of " +
          format_time(decision.as_of) + "\n";
  text += reasons_and_changes(decision, {"because", "change: "});
  if (decision.action == Action::promote && decision.next_percent) {
    text += "  effect: of all runs " + std::to_string(*decision.next_percent) + " % instead of " +
            std::to_string(decision.current_percent) + " % get what the canary runs\n";
  }
  return text + "  expires: " + format_time(decision.expires_at) + "\n";
}

}  // namespace dagloop
