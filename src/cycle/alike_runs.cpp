#include "cycle/alike_runs.hpp"

#include <algorithm>
#include <utility>

#include "dagloop/decide/comparison.hpp"

namespace dagloop {
namespace {

SideByStratum side_by_stratum(std::string name, const KpiPartial& runs, const StrataList& strata,
                              const OverdueRule& overdue) {
  SideByStratum side{std::move(name), by_place(runs.strata, strata), {}};
  for (const auto& [place, alike] : side.runs) {
    const std::uint64_t late = count_overdue(alike.open_runs, overdue);
    if (late > 0) side.overdue[place] = late;
  }
  return side;
}

// Whether all attempts are known, and of which stratum they are.
bool tells_attempts(const KpiPartial& runs) {
  std::uint64_t attempts = 0;
  for (const auto& [name, node] : runs.nodes) attempts += node.attempts;
  for (const auto& [stratum, alike] : runs.strata) attempts -= alike.attempts;
  return runs.runs_without_tries == 0 && attempts == 0;
}

}  // namespace

std::optional<ReferenceStrata> choose_strata(const RunSum& sum, const FigureWindows& windows) {
  KpiPartial runs = sum(windows.current, Population::dag, Cohort::control, windows.begun_from);
  KpiPartial before;
  if (windows.baseline) {
    before = sum(*windows.baseline, Population::dag, std::nullopt, std::nullopt);
    runs.merge(before);
  }
  StrataList strata = largest_strata(runs.strata);
  if (strata.empty()) return std::nullopt;
  return ReferenceStrata{std::move(strata), std::move(before.strata)};
}

std::vector<ArmFigures> usual_of(const ReferenceStrata& reference, const SlowLimits& limits) {
  std::vector<ArmFigures> usual(reference.strata.size() + 1);
  for (const auto& [place, runs] : by_place(reference.before, reference.strata)) {
    usual[place] = count_arm(runs, limits);
  }
  return usual;
}

std::optional<Comparable> comparable_runs(const SummedRuns& runs, const FigureWindows& windows,
                                          const Quality& quality, BaselineKind kind) {
  const Comparison comparison = choose_comparison(quality, kind);
  const bool is_whole = comparison.subject != nullptr && comparison.reference != nullptr;
  if (!is_whole || !quality.news.strata) return std::nullopt;
  const StrataList& strata = *quality.news.strata;
  const bool has_cohorts =
      comparison.subject == quality.current.population(Population::dag).cohort(Cohort::canary);
  const auto current = [&](std::optional<Cohort> cohort) {
    return runs.sum(windows.current, Population::dag, cohort, windows.begun_from);
  };
  const KpiPartial subject = current(has_cohorts ? std::optional(Cohort::canary) : std::nullopt);
  const KpiPartial reference =
      has_cohorts ? current(Cohort::control)
                  : runs.sum(*windows.baseline, Population::dag, std::nullopt, std::nullopt);
  const bool are_known = tells_attempts(subject) && tells_attempts(reference);
  return compare_alike(side_by_stratum(comparison.subject_name, subject, strata, runs.overdue),
                       side_by_stratum(comparison.reference_name, reference, strata, runs.overdue),
                       strata, are_known ? AttemptsOf::both_known : AttemptsOf::unknown);
}

}  // namespace dagloop
