#include <fmt/format.h>

#include "report/figures.hpp"
#include "report/page_sections.hpp"

namespace dagloop {
namespace {

std::string show_counts(const ArmCounts& counts) {
  if (counts.trials == 0) return "";
  return fmt::format("{} of {}", show_count(counts.events), show_count(counts.trials));
}

std::string show_bounds(const EvidenceView& view) {
  if (!view.difference) return "";
  return show_worse_by(100 * view.difference->low, 100 * view.difference->high);
}

std::string show_more(const EvidenceView& view) {
  if (view.decides()) return "decided";
  // What does not grow at present may be noise that passes: that says nothing of the time to come.
  return view.more_trials ? show_count(*view.more_trials) : "no telling";
}

void add_row(Table& table, const std::string& name, const std::optional<EvidenceView>& view) {
  // A test that has seen no runs would print an e-value of 1, which reads like a finding.
  if (!view || !view->is_available) return;
  table.rows.push_back({name, show_counts(view->subject), show_counts(view->reference),
                        show_bounds(*view), show_chance(view->e_value), show_odds(view->needed),
                        show_more(*view)});
}

std::string show_ms(double latency_ms) { return show_number("latency_ms", latency_ms); }

std::string show_quantile(const QuantileInterval& interval) {
  if (interval.low_ms && interval.high_ms) {
    return show_ms(*interval.low_ms) + " to " + show_ms(*interval.high_ms);
  }
  if (interval.low_ms) return "over " + show_ms(*interval.low_ms);
  if (interval.high_ms) return "up to " + show_ms(*interval.high_ms);
  return "not known yet";
}

void add_latencies(Page& page, const LatencyView& view) {
  Table table{{"latency", "runs", "p50 at all looks", "p95 at all looks"}, {}};
  const auto add = [&](const char* name, const LatencySide& side) {
    table.rows.push_back(
        {name, show_count(side.runs), show_quantile(side.p50), show_quantile(side.p95)});
  };
  add("now", view.subject);
  add("baseline", view.reference);
  page.emplace_back(std::move(table));
  page.emplace_back(Paragraph{
      fmt::format("Whether runs are slower than the baseline's: the chance that this is noise is "
                  "{}; below {} is "
                  "asked for. They differ most at {}: {} take longer, of the baseline's {}.",
                  show_chance(view.e_value), show_odds(view.needed), show_ms(view.at_ms),
                  show_percent(view.subject_share), show_percent(view.reference_share))});
}

// Half of all such drops are found earlier.
void add_detection(Page& page, const std::vector<Detection>& detection) {
  if (detection.empty()) return;
  Table table{{"drop of the success rate", "found after", "at the present traffic"}, {}};
  for (const Detection& each : detection) {
    table.rows.push_back({fmt::format("{:.6g} points", each.drop_pp),
                          "about " + show_count(each.runs) + " runs",
                          each.duration ? "about " + show_span(*each.duration) : "not known"});
  }
  page.emplace_back(Heading{3, "How long a fault takes to be found, from its onset"});
  page.emplace_back(std::move(table));
}

}  // namespace

void add_evidence_section(Page& page, const Decision& decision) {
  Table table{{"test", "events", "of baseline", "difference at all looks", "chance of noise",
               "asked for", "more needed"},
              {}};
  for (const TriggerResult& trigger : decision.triggers) {
    add_row(table, trigger.name, trigger.evidence);
  }
  add_row(table, "promotion", decision.promotion);
  if (table.rows.empty()) return;
  page.emplace_back(Heading{2, "Evidence since the rollout began"});
  page.emplace_back(std::move(table));
  add_detection(page, decision.detection);
  if (decision.latency) add_latencies(page, *decision.latency);
}

}  // namespace dagloop
