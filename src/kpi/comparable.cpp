#include "dagloop/kpi/comparable.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "dagloop/kpi/mantel_haenszel.hpp"

namespace dagloop {
namespace {

using Counts = MantelHaenszel::Side;
using CountsByPlace = std::map<std::size_t, Counts>;

std::uint64_t overdue_at(const SideByStratum& side, std::size_t place) {
  const auto found = side.overdue.find(place);
  return found == side.overdue.end() ? 0 : found->second;
}

// Overdue runs alone, in a stratum of which none is over, count, too.
std::set<std::size_t> strata_of(const SideByStratum& side) {
  std::set<std::size_t> places;
  for (const auto& [place, runs] : side.runs) {
    if (runs.total_runs > 0) places.insert(place);
  }
  for (const auto& [place, count] : side.overdue) {
    if (count > 0) places.insert(place);
  }
  return places;
}

// What one stratum counts of a KPI.
using CountOf = std::function<Counts(const StratumPartial& runs, std::uint64_t overdue)>;

CountsByPlace count_by_place(const SideByStratum& side, const CountOf& count) {
  static const StratumPartial none;
  CountsByPlace counts;
  for (const std::size_t place : strata_of(side)) {
    const auto runs = side.runs.find(place);
    counts[place] = count(runs == side.runs.end() ? none : runs->second, overdue_at(side, place));
  }
  return counts;
}

std::optional<AlikeFigure> figure_of(const CountsByPlace& subject, const CountsByPlace& reference) {
  MantelHaenszel sums;
  AlikeFigure figure;
  for (const auto& [place, counts] : subject) {
    const auto other = reference.find(place);
    if (other == reference.end() || counts.trials == 0 || other->second.trials == 0) continue;
    sums.add(counts, other->second);
    figure.subject_trials += counts.trials;
    figure.subject_events += counts.events;
    figure.reference_trials += other->second.trials;
  }
  if (sums.strata() == 0) return std::nullopt;
  figure.subject = sums.subject_rate();
  figure.reference = sums.reference_rate();
  figure.ci95 = sums.difference().ci95;
  return figure;
}

CountsByPlace by_pipeline(const CountsByPlace& counts, const StrataList& strata) {
  CountsByPlace joined;
  for (const auto& [place, each] : counts) {
    Counts& sum = joined[first_of_pipeline(strata, place)];
    sum.trials += each.trials;
    sum.events += each.events;
  }
  return joined;
}

CountOf errors_of(ErrorClass wanted) {
  return [wanted](const StratumPartial& runs, std::uint64_t overdue) {
    return Counts{runs.total_runs + overdue,
                  runs.error_classes.at(static_cast<std::size_t>(wanted))};
  };
}

struct Weighted {
  double duration_ms = 0;
  double weight = 0;
};

double quantile_of(std::vector<Weighted>& all, double p) {
  std::ranges::sort(all, {}, &Weighted::duration_ms);
  double total = 0;
  for (const Weighted& each : all) total += each.weight;
  constexpr double kSlack = 1e-12;  // for weights that sum up to p but for their last bits
  double sum = 0;
  for (const Weighted& each : all) {
    sum += each.weight;
    if (sum >= p * total * (1 - kSlack)) return each.duration_ms;
  }
  return all.back().duration_ms;
}

void add_durations(const DurationHistogram& durations, double weight, std::vector<Weighted>& all) {
  for (const auto& [duration_ms, count] : durations.middles()) {
    all.push_back({duration_ms, weight * static_cast<double>(count)});
  }
}

// Of the reference as many runs of each stratum count as the subject has: its p95 is what it would
// be with the subject's mix.
std::optional<AlikeFigure> p95_of(const SideByStratum& subject, const SideByStratum& reference) {
  std::vector<Weighted> of_subject;
  std::vector<Weighted> of_reference;
  AlikeFigure figure;
  for (const auto& [place, runs] : subject.runs) {
    const auto other = reference.runs.find(place);
    if (other == reference.runs.end()) continue;
    const std::uint64_t subjects = runs.latency.count();
    const std::uint64_t references = other->second.latency.count();
    if (subjects == 0 || references == 0) continue;
    add_durations(runs.latency, 1, of_subject);
    add_durations(other->second.latency,
                  static_cast<double>(subjects) / static_cast<double>(references), of_reference);
    figure.subject_trials += subjects;
    figure.reference_trials += references;
  }
  if (figure.subject_trials == 0) return std::nullopt;
  constexpr double kP95 = 0.95;
  figure.subject = quantile_of(of_subject, kP95);
  figure.reference = quantile_of(of_reference, kP95);
  return figure;
}

}  // namespace

double Comparable::share() const {
  return all_runs == 0 ? 1 : static_cast<double>(runs) / static_cast<double>(all_runs);
}

std::optional<Comparable> compare_alike(const SideByStratum& subject,
                                        const SideByStratum& reference, const StrataList& strata,
                                        AttemptsOf attempts) {
  const std::set<std::size_t> of_subject = strata_of(subject);
  const std::set<std::size_t> of_reference = strata_of(reference);
  std::set<std::size_t> of_both = of_subject;
  of_both.insert(of_reference.begin(), of_reference.end());
  if (of_both.size() < 2 || of_subject.empty() || of_reference.empty()) return std::nullopt;
  Comparable found;
  found.subject_name = subject.name;
  found.reference_name = reference.name;
  const auto count = [&](const SideByStratum& side, const CountOf& of) {
    return count_by_place(side, of);
  };
  const auto add = [&](std::string kpi, const CountOf& of) {
    auto figure = figure_of(count(subject, of), count(reference, of));
    if (figure) found.figures.emplace(std::move(kpi), *figure);
  };
  const CountOf succeeded = [](const StratumPartial& runs, std::uint64_t overdue) {
    return Counts{runs.total_runs + overdue, runs.succeeded};
  };
  for (const auto& [place, counts] : count(subject, succeeded)) {
    found.all_runs += counts.trials;
    if (!of_reference.contains(place)) continue;
    found.runs += counts.trials;
    ++found.strata;
  }
  add("pipeline_success_rate", succeeded);
  add("error_rate.auth", errors_of(ErrorClass::auth));
  add("error_rate.server", errors_of(ErrorClass::server));
  if (attempts == AttemptsOf::both_known) {
    add("attempt_failure_rate", [](const StratumPartial& runs, std::uint64_t) {
      return Counts{runs.attempts, runs.failed_attempts};
    });
  }
  const CountOf fell_back = [](const StratumPartial& runs, std::uint64_t overdue) {
    return Counts{runs.total_runs + overdue, runs.fallback};
  };
  if (auto figure = figure_of(by_pipeline(count(subject, fell_back), strata),
                              by_pipeline(count(reference, fell_back), strata))) {
    found.figures.emplace("fallback_rate", *figure);
  }
  if (auto figure = p95_of(subject, reference)) found.figures.emplace("p95_latency_ms", *figure);
  return found;
}

}  // namespace dagloop
