#include "dagloop/decide/figure_case.hpp"

#include <algorithm>
#include <utility>

#include "dagloop/decide/data_state.hpp"

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
                     [](const auto& each) { return each.second.unread() > 0; });
}

// What could not be read is of no stratum: it moves the figures among runs that are alike by as
// much as those of all runs.
void move_alike(const PopulationKpis& as_read, const PopulationKpis& taken,
                double AlikeFigure::*side, Comparable& alike) {
  for (auto& [name, figure] : alike.figures) {
    const Kpi* before = as_read.decided().find(name);
    const Kpi* after = taken.kpis.find(name);
    const bool has_both = before != nullptr && after != nullptr && before->value && after->value;
    if (!has_both) continue;
    figure.*side += *after->value - *before->value;
    if (before->kind == KpiKind::rate) figure.*side = std::clamp(figure.*side, 0.0, 1.0);
  }
}

void take_case_alike(const Quality& quality, Quality& taken) {
  if (!taken.comparable) return;
  Comparable& alike = *taken.comparable;
  const PopulationKpis& before = quality.current.population(Population::dag);
  const PopulationKpis& after = taken.current.population(Population::dag);
  const PopulationKpis* canary = before.cohort(Cohort::canary);
  const PopulationKpis* control = before.cohort(Cohort::control);
  if (alike.subject_name == to_string(Cohort::canary)) {
    if (canary == nullptr || control == nullptr) return;
    move_alike(*canary, *after.cohort(Cohort::canary), &AlikeFigure::subject, alike);
    move_alike(*control, *after.cohort(Cohort::control), &AlikeFigure::reference, alike);
    return;
  }
  move_alike(before, after, &AlikeFigure::subject, alike);
  if (!quality.baseline) return;
  move_alike(quality.baseline->population(Population::dag),
             taken.baseline->population(Population::dag), &AlikeFigure::reference, alike);
}

}  // namespace

void add_unread_parts(std::vector<ReasonArg>& args,
                      std::initializer_list<const PopulationKpis*> sides) {
  std::uint64_t attempts = 0;
  std::uint64_t values = 0;
  for (const PopulationKpis* side : sides) {
    if (side == nullptr) continue;
    attempts += side->unread_attempts;
    values += side->unread_values;
  }
  if (attempts > 0) args.emplace_back("unread_attempts", attempts);
  if (values > 0) args.emplace_back("unread_values", values);
}

Quality in_case(const Quality& quality, FigureCase which) {
  Quality taken = quality;
  for (auto& [population, figures] : taken.current.populations) {
    take_case(which, figures);
    for (auto& [cohort, part] : figures.cohorts) {
      take_case(cohort == Cohort::control ? other_way(which) : which, part);
    }
  }
  if (!taken.baseline) {
    take_case_alike(quality, taken);
    return taken;
  }
  for (auto& [population, figures] : taken.baseline->populations) {
    take_case(other_way(which), figures);
    for (auto& [cohort, part] : figures.cohorts) take_case(other_way(which), part);
  }
  take_case_alike(quality, taken);
  return taken;
}

bool has_unread(const Quality& quality) {
  return any_unread(quality.current) || (quality.baseline && any_unread(*quality.baseline));
}

std::optional<TimePoint> unread_leaves_at(const Quality& quality, UnreadOf which) {
  const Window& window = quality.current.window;
  const Microseconds whole =
      quality.whole_window_s ? std::chrono::seconds(*quality.whole_window_s) : window.length();
  if (which == UnreadOf::window || !quality.baseline) return window.end + whole;
  if (quality.baseline->window.end == window.start) {
    // The window before follows, and has it for as long again.
    return (any_unread(quality.current) ? window.end : window.start) + 2 * whole;
  }
  if (any_unread(*quality.baseline)) return std::nullopt;
  return window.end + whole;
}

void add_unread_leaves_at(std::vector<ReasonArg>& args, const Quality& quality, UnreadOf which) {
  const auto leaves_at = unread_leaves_at(quality, which);
  if (leaves_at) args.emplace_back("leaves_at", *leaves_at);
  if (quality.input.without_time > 0) {
    args.emplace_back("without_time", quality.input.without_time);
  }
}

GateResult evaluate_again(const GateResult& gate, const Quality& quality) {
  std::vector<GateCheck> checks;
  for (const CheckResult& result : gate.checks) checks.push_back(result.check);
  if (!gate.reasons.empty() || checks.empty()) return gate;
  return evaluate_gate(checks, quality);
}

GateResult gate_that_stands(GateResult gate, const Quality& quality) {
  if (gate.verdict != Verdict::PASS || !has_unread(quality)) return gate;
  for (const FigureCase which : {FigureCase::worst, FigureCase::best}) {
    const GateResult then = evaluate_again(gate, in_case(quality, which));
    if (then.verdict == Verdict::PASS) continue;
    std::vector<Reason> would;
    for (const CheckResult& each : then.checks) {
      const bool holds = each.status == CheckStatus::pass;
      if (each.check.severity == Severity::fail && !holds) would.push_back(each.reason);
    }
    const PopulationKpis& dag = quality.current.population(Population::dag);
    Reason reason{"unreadable_records_could_change_this", {{"unread", dag.unread_runs}}};
    add_unread_parts(reason.args, {&dag});
    add_unread_leaves_at(reason.args, quality, UnreadOf::window);
    reason.args.emplace_back("would", std::move(would));
    const std::string places = first_malformed(quality.input);
    if (!places.empty()) reason.args.emplace_back("places", places);
    gate.verdict = Verdict::INSUFFICIENT;
    gate.reasons.push_back(std::move(reason));
    return gate;
  }
  return gate;
}

}  // namespace dagloop
