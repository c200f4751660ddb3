#include "dagloop/decide/figure_case.hpp"

#include <algorithm>

namespace dagloop {
namespace {

void take_case(FigureCase which, PopulationKpis& figures) {
  const KpiSet taken = which == FigureCase::decided ? figures.decided()
                       : which == FigureCase::worst ? figures.worst_case()
                                                    : figures.best_case();
  figures.kpis = taken;
  figures.overdue_failed.reset();
  if (which == FigureCase::decided) return;
  figures.worst.reset();
  figures.best.reset();
}

FigureCase other_way(FigureCase which) {
  if (which == FigureCase::decided) return which;
  return which == FigureCase::worst ? FigureCase::best : FigureCase::worst;
}

bool any_unread(const WindowKpis& window) {
  return std::any_of(window.populations.begin(), window.populations.end(),
                     [](const auto& each) { return each.second.unread_runs > 0; });
}

}  // namespace

Quality in_case(const Quality& quality, FigureCase which) {
  Quality taken = quality;
  for (auto& [population, figures] : taken.current.populations) {
    take_case(which, figures);
    for (auto& [cohort, part] : figures.cohorts) {
      take_case(cohort == Cohort::control ? other_way(which) : which, part);
    }
  }
  if (!taken.baseline) return taken;
  for (auto& [population, figures] : taken.baseline->populations) {
    take_case(other_way(which), figures);
    for (auto& [cohort, part] : figures.cohorts) take_case(other_way(which), part);
  }
  return taken;
}

bool has_unread(const Quality& quality) {
  return any_unread(quality.current) || (quality.baseline && any_unread(*quality.baseline));
}

TimePoint unread_leaves_at(const Quality& quality) {
  const Window& window = quality.current.window;
  Microseconds length = window.length();
  if (quality.baseline) length = std::max(length, quality.baseline->window.length());
  return window.end + length;
}

GateResult evaluate_again(const GateResult& gate, const Quality& quality) {
  std::vector<GateCheck> checks;
  for (const CheckResult& result : gate.checks) checks.push_back(result.check);
  if (!gate.reasons.empty() || checks.empty()) return gate;
  return evaluate_gate(checks, quality);
}

}  // namespace dagloop
