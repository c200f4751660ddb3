#include <fmt/format.h>

#include "dagloop/report/words.hpp"
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

// The figure beside its threshold, which it does not read as unless it is.
std::string show_checked(const GateCheck& check, const Kpi* now) {
  if (now == nullptr || !now->value) return "no data";
  return show_told(check.kpi, *now->value, check.threshold);
}

std::string show_status(CheckStatus status) {
  return status == CheckStatus::warn ? "warning" : std::string(to_string(status));
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
    table.rows.push_back(
        {check_title(check), show_checked(check, now), now != nullptr ? show_interval(*now) : "",
         fmt::format("{} {}", to_string(check.comparator), show_limit(check.kpi, check.threshold)),
         before != nullptr ? show_value(check.kpi, *before) : "",
         now != nullptr ? show_change(check.kpi, *now, before) : "",
         show_count(result.sample_count), show_status(result.status)});
  }
  page.emplace_back(Heading{2, "Gate"});
  page.emplace_back(std::move(table));
}

void add_patch_section(Page& page, const Decision& decision, DecisionStage stage) {
  if (decision.patch.empty()) return;
  const bool is_made = stage == DecisionStage::made;
  Table table{{"key", is_made ? "before" : "now", is_made ? "now" : "proposed"}, {}};
  for (const auto& [key, change] : decision.patch) {
    table.rows.push_back({key, change.before, change.after});
  }
  page.emplace_back(Heading{2, is_made ? "Change made" : "Proposed change"});
  page.emplace_back(std::move(table));
  if (is_made) return;
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
                          std::string(to_string(trigger.state)), reason_text(trigger.reason)});
  }
  page.emplace_back(Heading{2, "Rollback triggers"});
  page.emplace_back(std::move(table));
}

void add_recommendation_section(Page& page, const Decision& decision) {
  if (decision.recommendations.empty()) return;
  Table table{{"key", "now", "suggested", "why", "evidence", "expected effect"}, {}};
  for (const Recommendation& advice : decision.recommendations) {
    // In front of the prediction, not behind it: the doubt must be read first.
    const bool is_doubtful = advice.trust == Trust::badly_calibrated;
    table.rows.push_back(
        {advice.env_key, advice.current,
         advice.suggested + (advice.clipped ? " (" + reason_text(*advice.clipped) + ")" : ""),
         advice.reason, cut_text(reasons_text(advice.evidence)),
         (is_doubtful ? "badly calibrated model: " : "") + expected_effect_text(advice)});
  }
  page.emplace_back(Heading{2, "Recommendations"});
  page.emplace_back(std::move(table));
}

namespace {

std::string show_expected_effect(const Effect& effect, std::string_view unit) {
  return fmt::format("{:+.1f} {} ({:+.1f} to {:+.1f})", effect.estimate, unit, effect.low,
                     effect.high);
}

std::string show_actual(const std::optional<ActualEffect>& actual, std::string_view unit) {
  if (!actual) return "too few runs";
  return fmt::format("{:+.1f} {} (± {:.1f})", actual->change, unit, actual->standard_error);
}

std::string show_share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "none";
  return fmt::format("{} of {} ({:.0f} %)", part, whole,
                     100 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

void add_prediction_section(Page& page, const Decision& decision) {
  if (decision.predictions.empty()) return;
  Table table{{"key", "change", "in force since", "model", "success rate predicted", "actual",
               "p95 predicted", "actual p95", "inside"},
              {}};
  for (const LedgerEntry& entry : decision.predictions) {
    if (!entry.prediction) continue;
    const auto inside = is_inside(entry);
    const std::string waits = "not verified yet";
    table.rows.push_back({entry.env_key, entry.change.before + " -> " + entry.change.after,
                          show_time(entry.applied_at),
                          std::string(to_string(entry.prediction->model)),
                          show_expected_effect(entry.prediction->success_rate_pp, "pp"),
                          entry.outcome ? show_actual(entry.outcome->success_rate_pp, "pp") : waits,
                          show_expected_effect(entry.prediction->p95_ms, "ms"),
                          entry.outcome ? show_actual(entry.outcome->p95_ms, "ms") : waits,
                          inside ? *inside ? "yes" : "no" : ""});
  }
  page.emplace_back(Heading{2, "Predictions and what came of them"});
  page.emplace_back(std::move(table));
  if (decision.calibration.empty()) return;
  Table calibration{{"model", "success rate inside its 80 % interval", "p95 inside", "trust"}, {}};
  for (const Calibration& each : decision.calibration) {
    calibration.rows.push_back(
        {std::string(to_string(each.model)), show_share(each.inside, each.predictions),
         show_share(each.p95_inside, each.p95_predictions), std::string(to_string(each.trust))});
  }
  page.emplace_back(Heading{2, "Calibration of the models"});
  page.emplace_back(std::move(calibration));
}

}  // namespace dagloop
