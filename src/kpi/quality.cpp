#include "dagloop/kpi/quality.hpp"

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

template <typename Counts>
std::map<std::string, Counts> masked(const std::map<std::string, Counts>& by_label) {
  std::map<std::string, Counts> all;
  for (const auto& [label, counts] : by_label) all[redact_label(label)].merge(counts);
  return all;
}

PopulationKpis figures_of(const KpiPartial& partial, const ErrorClasses& classes) {
  PopulationKpis figures;
  figures.total_runs = partial.total_runs;
  figures.succeeded_runs = partial.succeeded;
  figures.derived_runs = partial.derived_runs;
  figures.in_flight = partial.in_flight;
  figures.kpis = compute_kpis(partial, classes);
  // Once more: a database, and a store of earlier days, may hold labels as they were written.
  for (const auto& [code, runs] : partial.error_codes) {
    figures.error_codes[redact_label(code)] += runs;
  }
  for (const auto& [error_class, count] : count_error_classes(partial, classes)) {
    figures.error_classes[std::string(to_string(error_class))] = count;
  }
  for (const auto& [node, counts] : masked(partial.nodes)) {
    figures.nodes[node] = compute_node_kpis(counts);
  }
  for (const auto& [source, counts] : masked(partial.plan_sources)) {
    figures.plan_sources[source] = {counts.runs, make_rate(counts.succeeded, counts.runs)};
  }
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
  if (input.records == 0) return 0;
  return static_cast<double>(input.malformed) / static_cast<double>(input.records);
}

WindowKpis compute_window_kpis(const PartialSet& partials, const Window& window,
                               const ErrorClasses& classes) {
  return compute_window_kpis(
      [&](const Window& of, Population population, std::optional<Cohort> cohort) {
        return partials.sum(of, population, cohort);
      },
      window, classes);
}

WindowKpis compute_window_kpis(const WindowSum& sum, const Window& window,
                               const ErrorClasses& classes) {
  WindowKpis all;
  all.window = window;
  for (const Population population : {Population::dag, Population::non_dag}) {
    PopulationKpis figures = figures_of(sum(window, population, std::nullopt), classes);
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      // Only the DAG path is rolled out step by step.
      if (population != Population::dag) break;
      const KpiPartial partial = sum(window, population, cohort);
      // A cohort without runs is left out: that is how the comparison sees that there is none.
      if (partial.total_runs + partial.in_flight > 0) {
        figures.cohorts.emplace(cohort, figures_of(partial, classes));
      }
    }
    all.populations.emplace(population, std::move(figures));
  }
  return all;
}

}  // namespace dagloop
