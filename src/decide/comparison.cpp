#include "dagloop/decide/comparison.hpp"

#include <string>

#include "dagloop/base/assert.hpp"

namespace dagloop {

namespace {

const PopulationKpis& dag_of(const WindowKpis& window) {
  return window.population(Population::dag);
}

bool has_cohorts(const Quality& quality) {
  // The baseline too: a canary that has no runs any more is a fault to be told, not a reason to
  // compare something else.
  return !dag_of(quality.current).cohorts.empty() ||
         (quality.baseline && !dag_of(*quality.baseline).cohorts.empty());
}

Reason no_runs(std::string_view cohort, const Window& window) {
  return {"no_" + std::string(cohort) + "_runs",
          {{"cohort", cohort}, {"from", window.start}, {"to", window.end}}};
}

void take_cohorts(const Quality& quality, Comparison& comparison) {
  const PopulationKpis& dag = dag_of(quality.current);
  comparison.subject_name = to_string(Cohort::canary);
  comparison.reference_name = to_string(Cohort::control);
  comparison.subject = dag.cohort(Cohort::canary);
  comparison.reference = dag.cohort(Cohort::control);
  if (comparison.subject == nullptr) {
    comparison.fault = no_runs(comparison.subject_name, quality.current.window);
  } else if (comparison.reference == nullptr) {
    comparison.fault = no_runs(comparison.reference_name, quality.current.window);
  }
}

void take_baseline_window(const Quality& quality, BaselineKind kind, Comparison& comparison) {
  comparison.subject_name = to_string(Population::dag);
  comparison.reference_name = kind == BaselineKind::period ? "baseline_period" : "previous_window";
  comparison.subject = &dag_of(quality.current);
  if (quality.baseline && dag_of(*quality.baseline).total_runs > 0) {
    comparison.reference = &dag_of(*quality.baseline);
    return;
  }
  comparison.fault = Reason{"no_baseline", {{"reference", comparison.reference_name}}};
}

bool may_take_cohorts(BaselineKind kind) {
  return kind == BaselineKind::automatic || kind == BaselineKind::control;
}

Comparison without_cohorts(const Quality& quality, int percent) {
  Comparison comparison;
  const Window& window = quality.current.window;
  comparison.subject_window = window;
  comparison.subject_name = to_string(Cohort::canary);
  comparison.reference_name = to_string(Cohort::control);
  comparison.fault = Reason{std::string(kNoCohorts),
                            {{"percent", percent},
                             {"field", to_string(Field::cohort)},
                             {"from", window.start},
                             {"to", window.end}}};
  return comparison;
}

}  // namespace

Comparison choose_comparison(const Quality& quality, BaselineKind kind) {
  Comparison comparison;
  comparison.subject_window = quality.current.window;
  const bool cohorts =
      kind == BaselineKind::control || (kind == BaselineKind::automatic && has_cohorts(quality));
  if (cohorts) {
    take_cohorts(quality, comparison);
  } else {
    take_baseline_window(quality, kind, comparison);
  }
  const auto& alike = quality.comparable;
  if (alike && alike->subject_name == comparison.subject_name &&
      alike->reference_name == comparison.reference_name) {
    comparison.alike = &*alike;
  }
  DAGLOOP_ASSERT(comparison.fault ||
                 (comparison.subject != nullptr && comparison.reference != nullptr));
  return comparison;
}

Comparison choose_comparison_at(const Quality& quality, BaselineKind kind, int percent) {
  const bool is_split = percent > 0 && percent < 100;
  if (is_split && may_take_cohorts(kind) && !has_cohorts(quality)) {
    return without_cohorts(quality, percent);
  }
  return choose_comparison(quality, kind);
}

}  // namespace dagloop
