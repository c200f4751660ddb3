#include <fmt/format.h>

#include "dagloop/report/page.hpp"
#include "dagloop/report/words.hpp"
#include "report/figures.hpp"
#include "report/page_sections.hpp"

namespace dagloop {
namespace {

std::string gate_sentence(const GateResult& gate) {
  std::vector<Reason> told = gate.reasons;
  std::size_t passed = 0;
  for (const CheckResult& result : gate.checks) {
    passed += result.status == CheckStatus::pass ? 1U : 0U;
    const bool is_severe = result.check.severity == Severity::fail;
    if (is_severe && result.status != CheckStatus::pass) told.push_back(result.reason);
  }
  std::string why = told.empty() ? show_counted(passed, "check") + " passed" : reasons_text(told);
  for (const std::string& warning : gate_warnings(gate)) why += "; " + warning;
  return fmt::format("Gate: {} — {}", to_string(gate.verdict), why);
}

std::string decision_sentence(const Decision& decision) {
  const std::string where =
      decision.next_percent
          ? fmt::format("from {} % to {} %", decision.current_percent, *decision.next_percent)
          : fmt::format("at {} %", decision.current_percent);
  return fmt::format("Decision: {} {} — {}", to_string(decision.action), where,
                     reasons_text(decision.reasons));
}

void add_verdict(Page& page, const PageInputs& inputs) {
  BulletList lines;
  if (!inputs.story.empty()) lines.items.push_back(inputs.story);
  for (std::string& line : what_is_left_out(inputs.quality)) lines.items.push_back(std::move(line));
  for (std::string& line : what_is_wrong(inputs)) lines.items.push_back(std::move(line));
  if (inputs.gate != nullptr) lines.items.push_back(gate_sentence(*inputs.gate));
  if (inputs.decision != nullptr) lines.items.push_back(decision_sentence(*inputs.decision));
  for (const std::string& note : inputs.notes) lines.items.push_back(note);
  if (!inputs.next.empty()) lines.items.push_back(inputs.next);
  if (!lines.items.empty()) page.emplace_back(std::move(lines));
}

}  // namespace

Page compose_quality_page(const PageInputs& inputs) {
  const Quality& quality = inputs.quality;
  Page page;
  page.emplace_back(
      Heading{1, fmt::format("DAG quality, {}, window of {}", show_time(quality.as_of),
                             show_span(quality.current.window.length()))});
  // What an operator needs at night comes first: what happened, what is wrong, what was decided.
  // The figures behind it follow.
  add_verdict(page, inputs);
  page.emplace_back(Paragraph{window_sentence(quality)});
  if (inputs.gate != nullptr) add_gate_section(page, *inputs.gate, quality);
  if (inputs.decision != nullptr) {
    add_patch_section(page, *inputs.decision, inputs.stage);
    add_trigger_section(page, *inputs.decision);
    add_evidence_section(page, *inputs.decision);
    add_recommendation_section(page, *inputs.decision);
    add_prediction_section(page, *inputs.decision);
  }
  add_attribution_sections(page, inputs);
  add_kpi_section(page, quality, Population::dag);
  add_cohort_section(page, quality);
  add_pipeline_section(page, quality);
  add_error_section(page, quality);
  add_node_section(page, quality);
  if (quality.current.population(Population::non_dag).total_runs > 0) {
    add_kpi_section(page, quality, Population::non_dag);
  }
  if (inputs.trends != nullptr) add_trend_section(page, *inputs.trends);
  add_input_section(page, quality);
  return page;
}

}  // namespace dagloop
