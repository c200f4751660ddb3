#include <fmt/format.h>

#include "report/figures.hpp"
#include "report/page_sections.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

const Kpi* baseline_kpi(const Quality& quality, Population population, const std::string& name) {
  if (!quality.baseline) return nullptr;
  return quality.baseline->population(population).kpis.find(name);
}

std::string show_optional(const std::string& kpi, const std::optional<double>& value) {
  return value ? show_number(kpi, *value) : "no data";
}

std::string check_title(const GateCheck& check) {
  return check.population == Population::dag ? check.kpi : check.kpi + " (non-DAG)";
}

}  // namespace

void add_gate_section(Page& page, const GateResult& gate, const Quality& quality) {
  if (gate.checks.empty()) return;
  Table table{{"KPI", "now", "95 % interval", "threshold", "baseline", "change", "n", "status"},
              {}};
  for (const CheckResult& result : gate.checks) {
    const GateCheck& check = result.check;
    const Kpi* now = quality.current.population(check.population).kpis.find(check.kpi);
    const Kpi* before = baseline_kpi(quality, check.population, check.kpi);
    table.rows.push_back({check_title(check),
                          now != nullptr ? show_value(check.kpi, *now) : "no data",
                          now != nullptr ? show_interval(*now) : "",
                          fmt::format("{} {}", to_string(check.comparator),
                                      show_threshold(check.kpi, check.threshold)),
                          before != nullptr ? show_value(check.kpi, *before) : "",
                          now != nullptr ? show_change(check.kpi, *now, before) : "",
                          show_count(result.sample_count), std::string(to_string(result.status))});
  }
  page.emplace_back(Heading{2, "Gate"});
  page.emplace_back(std::move(table));
}

void add_patch_section(Page& page, const Decision& decision) {
  if (decision.patch.empty()) return;
  Table table{{"key", "now", "proposed"}, {}};
  for (const auto& [key, change] : decision.patch) {
    table.rows.push_back({key, change.before, change.after});
  }
  page.emplace_back(Heading{2, "Proposed change"});
  page.emplace_back(std::move(table));
  page.emplace_back(Paragraph{
      decision.approval == Decision::Approval::required
          ? "Needs an approval before " + show_time(decision.expires_at) +
                ": approve_dag_policy shows and signs it, apply_dag_policy or the next tick of the "
                "cycle applies it."
          : "Goes back to a policy that was approved before: needs no approval."});
}

void add_trigger_section(Page& page, const Decision& decision) {
  if (decision.triggers.empty()) return;
  Table table{{"trigger", "now", "baseline", "n", "n of baseline", "state", "why"}, {}};
  for (const TriggerResult& trigger : decision.triggers) {
    table.rows.push_back({trigger.name, show_optional(trigger.kpi, trigger.value),
                          show_optional(trigger.kpi, trigger.baseline_value),
                          show_count(trigger.sample_count),
                          show_count(trigger.baseline_sample_count),
                          std::string(to_string(trigger.state)), trigger.reason.text});
  }
  page.emplace_back(Heading{2, "Rollback triggers"});
  page.emplace_back(std::move(table));
}

void add_recommendation_section(Page& page, const Decision& decision) {
  if (decision.recommendations.empty()) return;
  Table table{{"key", "now", "suggested", "why", "evidence", "expected effect"}, {}};
  for (const Recommendation& advice : decision.recommendations) {
    table.rows.push_back({advice.env_key, advice.current,
                          advice.suggested + (advice.clipped ? " (" + *advice.clipped + ")" : ""),
                          advice.reason, cut_text(advice.evidence), advice.expected_effect});
  }
  page.emplace_back(Heading{2, "Recommendations"});
  page.emplace_back(std::move(table));
}

}  // namespace dagloop
