#include "dagloop/kpi/quality.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

template <typename Counts>
std::map<std::string, Counts> masked(const std::map<std::string, Counts>& by_label) {
  std::map<std::string, Counts> all;
  for (const auto& [label, counts] : by_label) all[redact_label(label)].merge(counts);
  return all;
}

std::map<std::string, PlanSourceKpis> figures_by(
    const std::map<std::string, PlanSourcePartial>& counts) {
  std::map<std::string, PlanSourceKpis> figures;
  for (const auto& [label, each] : masked(counts)) {
    figures[label] = {each.runs, make_rate(each.succeeded, each.runs)};
  }
  return figures;
}

// What could not be read, and may be of other runs.
struct Hidden {
  std::uint64_t runs = 0;
  std::uint64_t attempts = 0;
};

// Adds the ends that figures lie between, where something could not be read.
void add_cases(const KpiPartial& partial, PopulationKpis& figures) {
  const std::uint64_t runs = figures.unread_runs;
  const std::uint64_t attempts = figures.unread_attempts;
  if (runs + attempts + figures.unread_values == 0) return;
  const AssumedRuns decided{.overdue = figures.overdue, .overdue_failed = figures.overdue};
  AssumedRuns worst = decided;
  worst.unread_failed = runs;
  worst.failed_attempts = attempts;
  worst.slow_runs = partial.unread_durations;
  worst.any_codes = partial.unread_codes;
  worst.failed_compensations = partial.unread_compensations;
  figures.worst = compute_kpis(partial, worst);
  AssumedRuns best = decided;
  best.unread_good = runs;
  best.good_attempts = attempts;
  best.fast_runs = partial.unread_durations;
  figures.best = compute_kpis(partial, best);
}

// `hidden` may be of these, too.
PopulationKpis figures_of(const KpiPartial& partial, const OverdueRule& rule,
                          const Hidden& hidden) {
  PopulationKpis figures;
  figures.total_runs = partial.total_runs;
  figures.succeeded_runs = partial.succeeded;
  figures.derived_runs = partial.derived_runs;
  figures.in_flight = partial.in_flight;
  figures.overdue = count_overdue(partial.open_runs, rule);
  figures.skipped_runs = partial.skipped_runs;
  figures.cancelled_runs = partial.cancelled_runs;
  figures.unread_runs = partial.unread_runs + hidden.runs;
  figures.unread_attempts = partial.unread_attempts + hidden.attempts;
  figures.unread_values =
      partial.unread_durations + partial.unread_codes + partial.unread_compensations;
  const std::uint64_t overdue = figures.overdue;
  figures.kpis = compute_kpis(partial, {.overdue = overdue});
  if (overdue > 0) {
    figures.overdue_failed = compute_kpis(partial, {.overdue = overdue, .overdue_failed = overdue});
  }
  add_cases(partial, figures);
  // Once more: a database, and a store of earlier days, may hold labels as they were written.
  for (const auto& [code, runs] : partial.error_codes) {
    figures.error_codes[redact_label(code)] += runs;
  }
  for (const auto& [error_class, count] : count_error_classes(partial)) {
    figures.error_classes[std::string(to_string(error_class))] = count;
  }
  const Tries tries = partial.runs_without_tries > 0 ? Tries::unknown : Tries::known;
  for (const auto& [node, counts] : masked(partial.nodes)) {
    figures.nodes[node] = compute_node_kpis(counts, tries);
  }
  figures.plan_sources = figures_by(partial.plan_sources);
  figures.pipelines = figures_by(partial.pipelines);
  return figures;
}

}  // namespace

const PopulationKpis* PopulationKpis::cohort(Cohort which) const {
  const auto found = cohorts.find(which);
  return found == cohorts.end() ? nullptr : &found->second;
}

std::uint64_t Quality::in_flight() const {
  std::uint64_t total = 0;
  for (const auto& [population, figures] : current.populations) total += figures.in_flight;
  return total;
}

std::uint64_t Quality::derived_runs() const {
  std::uint64_t total = 0;
  for (const auto& [population, figures] : current.populations) total += figures.derived_runs;
  return total;
}

double malformed_share(const InputCounts& input) {
  const LineShare& lines = input.window.all;
  if (lines.lines == 0) return 0;
  return static_cast<double>(lines.unread) / static_cast<double>(lines.lines);
}

std::uint64_t count_overdue(const std::vector<TimePoint>& open_runs, const OverdueRule& rule) {
  if (!rule.newest_record) return 0;
  const auto behind = std::ranges::lower_bound(open_runs, *rule.newest_record - rule.after);
  return static_cast<std::uint64_t>(behind - open_runs.begin());
}

std::uint64_t count_became_overdue(const std::vector<TimePoint>& open_runs, const Window& window,
                                   const OverdueRule& rule) {
  if (!rule.newest_record) return 0;
  // Not only up to the newest record: what lies between it and the end of the window would be
  // counted in no window, for the next one begins behind it.
  const auto first = std::ranges::lower_bound(open_runs, window.start - rule.after);
  const auto behind = std::ranges::lower_bound(open_runs, window.end - rule.after);
  return first < behind ? static_cast<std::uint64_t>(behind - first) : 0;
}

WindowKpis compute_window_kpis(const PartialSet& partials, const Window& window,
                               const OverdueRule& overdue) {
  return compute_window_kpis(
      [&](const Window& of, Population population, std::optional<Cohort> cohort) {
        return partials.sum(of, population, cohort);
      },
      window, overdue);
}

// A line that shows no cohort may be of the canary.
WindowKpis compute_window_kpis(const WindowSum& sum, const Window& window,
                               const OverdueRule& overdue) {
  WindowKpis all;
  all.window = window;
  for (const Population population : {Population::dag, Population::non_dag}) {
    const KpiPartial total = sum(window, population, std::nullopt);
    PopulationKpis figures = figures_of(total, overdue, {});
    Hidden hidden{total.unread_runs, total.unread_attempts};  // that show no cohort
    std::map<Cohort, KpiPartial> parts;
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      // Only the DAG path is rolled out step by step.
      if (population != Population::dag) break;
      const KpiPartial& part = parts.emplace(cohort, sum(window, population, cohort)).first->second;
      hidden.runs -= part.unread_runs;
      hidden.attempts -= part.unread_attempts;
    }
    for (const auto& [cohort, partial] : parts) {
      // A cohort without runs is left out: that is how the comparison sees that there is none.
      if (partial.total_runs + partial.in_flight + partial.skipped_runs == 0) continue;
      const bool is_canary = cohort == Cohort::canary;
      figures.cohorts.emplace(cohort, figures_of(partial, overdue, is_canary ? hidden : Hidden{}));
    }
    all.populations.emplace(population, std::move(figures));
  }
  return all;
}

}  // namespace dagloop
