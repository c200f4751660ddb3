#include <fmt/format.h>

#include "dagloop/report/page.hpp"
#include "page_sections.hpp"

namespace dagloop {
namespace {

std::string sentence_of(const std::vector<Reason>& reasons) {
  std::string text;
  for (const Reason& reason : reasons) text += (text.empty() ? "" : "; ") + reason.text;
  return text;
}

void add_verdict(Page& page, const PageInputs& inputs) {
  BulletList lines;
  if (inputs.gate != nullptr) {
    std::vector<Reason> told = inputs.gate->reasons;
    for (const CheckResult& result : inputs.gate->checks) {
      if (result.status != CheckStatus::pass) told.push_back(result.reason);
    }
    const std::string why = sentence_of(told);
    lines.items.push_back(fmt::format("Gate: {}{}{}", to_string(inputs.gate->verdict),
                                      why.empty() ? "" : " — ", why));
  }
  if (inputs.decision != nullptr) {
    const Decision& decision = *inputs.decision;
    const std::string to =
        decision.next_percent ? fmt::format(" to {} %", *decision.next_percent) : "";
    lines.items.push_back(fmt::format("Decision: {} at {} %{} — {}", to_string(decision.action),
                                      decision.current_percent, to,
                                      sentence_of(decision.reasons)));
  }
  for (const std::string& note : inputs.notes) lines.items.push_back(note);
  if (!lines.items.empty()) page.emplace_back(std::move(lines));
}

}  // namespace

Page compose_quality_page(const PageInputs& inputs) {
  const Quality& quality = inputs.quality;
  Page page;
  page.emplace_back(Heading{1, "DAG quality, " + format_time(quality.as_of)});
  page.emplace_back(Paragraph{window_sentence(quality)});
  add_verdict(page, inputs);
  if (inputs.gate != nullptr) add_gate_section(page, *inputs.gate, quality);
  if (inputs.decision != nullptr) {
    add_patch_section(page, *inputs.decision);
    add_trigger_section(page, *inputs.decision);
    add_recommendation_section(page, *inputs.decision);
  }
  add_kpi_section(page, quality, Population::dag);
  add_cohort_section(page, quality);
  add_error_section(page, quality);
  add_node_section(page, quality);
  if (quality.current.population(Population::non_dag).total_runs > 0) {
    add_kpi_section(page, quality, Population::non_dag);
  }
  add_input_section(page, quality);
  return page;
}

}  // namespace dagloop
