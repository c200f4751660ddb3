// The figures of a window beside those of its baseline: what reports show and decisions rest on.
// Pure value types.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/arm_figures.hpp"
#include "dagloop/kpi/attribution.hpp"
#include "dagloop/kpi/comparable.hpp"
#include "dagloop/kpi/kpi_set.hpp"
#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/run_table_options.hpp"
#include "dagloop/kpi/service_figures.hpp"

namespace dagloop {

/// Runs of one plan source, or of one pipeline.
struct PlanSourceKpis {
  std::uint64_t runs = 0;
  Kpi success_rate;
  bool operator==(const PlanSourceKpis&) const = default;
};

/// The figures of a population or of one of its cohorts.
struct PopulationKpis {
  std::uint64_t total_runs = 0;
  std::uint64_t succeeded_runs = 0;
  std::uint64_t derived_runs = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t overdue = 0;         // of in_flight
  std::uint64_t skipped_runs = 0;    // outside total_runs
  std::uint64_t cancelled_runs = 0;  // of total_runs, unless they are excluded from it
  std::uint64_t unread_runs = 0;  // that may be of them: in DAG runs and in the canary, also those
                                  // whose line shows no cohort
  std::uint64_t unread_attempts = 0;  // likewise: lines that may each be one attempt more
  std::uint64_t unread_values = 0;  // durations, codes and outcomes of compensations of total_runs
  KpiSet kpis;
  // What decisions rest on, where it is not the same: see decided(), worst_case(), best_case().
  std::optional<KpiSet> overdue_failed;
  std::optional<KpiSet> worst;
  std::optional<KpiSet> best;
  std::map<std::string, std::uint64_t> error_codes;
  std::map<std::string, std::uint64_t> error_classes;  // by printed word, all classes
  std::map<std::string, NodeKpis> nodes;
  std::map<std::string, PlanSourceKpis> plan_sources;
  std::map<std::string, PlanSourceKpis> pipelines;
  std::map<Cohort, PopulationKpis> cohorts;  // canary, control; only those with runs; DAG only

  /// Returns the KPIs with each overdue run as a failed one, of class `timeout`.
  const KpiSet& decided() const { return overdue_failed ? *overdue_failed : kpis; }
  /// Returns decided() with each unread run as a failed one: failed in every way, slower than any,
  /// with one failed attempt; each unread attempt as a failed one, each run of an unread duration
  /// as slower than any, each unread code of every class.
  const KpiSet& worst_case() const { return worst ? *worst : decided(); }
  /// Returns decided() with each unread run and attempt as a good and fast one.
  const KpiSet& best_case() const { return best ? *best : decided(); }
  /// Returns how much could not be read: runs, attempts, and values of runs.
  std::uint64_t unread() const { return unread_runs + unread_attempts + unread_values; }
  /// Returns the cohort's figures, nullptr where it has no runs.
  const PopulationKpis* cohort(Cohort which) const;
  bool operator==(const PopulationKpis&) const = default;
};

/// A window's figures, both populations always present.
struct WindowKpis {
  Window window;
  std::map<Population, PopulationKpis> populations;
  /// Returns one population's figures.
  const PopulationKpis& population(Population which) const { return populations.at(which); }
  bool operator==(const WindowKpis&) const = default;
};

/// Which runs a window is compared with.
enum class BaselineKind { automatic, previous, control, period };

/// A quality report as a value.
struct Quality {
  TimePoint generated_at;
  TimePoint as_of;
  WindowKpis current;
  InputCounts input;  // of all that was read; derived and in-flight runs are in the populations
  Cancelled cancelled = Cancelled::counted;  // what cancelled runs count as
  bool tells_unread = true;  // false: a report of an earlier version, which does not say what of
                             // the window could not be read
  std::optional<WindowKpis> baseline;
  std::optional<std::uint64_t> whole_window_s;  // where the policy in force cuts the current one
  News news;                                    // since it was last counted, else of the window
  std::optional<Attribution> attribution;       // of the sides that decisions compare
  std::optional<Comparable> comparable;         // of the sides that decisions compare
  std::optional<ServiceFigures> service;        // of the current window's DAG runs

  /// Returns the in-flight runs of the window, both populations.
  std::uint64_t in_flight() const;
  /// Returns the derived runs of the window, both populations.
  std::uint64_t derived_runs() const;
  bool operator==(const Quality&) const = default;
};

/// Returns the share of malformed lines among the lines of the evaluated window; 0 where it has
/// none.
double malformed_share(const InputCounts& input);

/// Returns the sum over the slots in a window, of one cohort or (nullopt) of all.
using WindowSum =
    std::function<KpiPartial(const Window&, Population, std::optional<Cohort> cohort)>;

/// When a run that has not ended is overdue.
struct OverdueRule {
  Microseconds after = std::chrono::hours(1);   // the run's newest record is older than this...
  std::optional<TimePoint> newest_record = {};  // ...beside that of the source; none: nothing is
  bool operator==(const OverdueRule&) const = default;
};

/// Returns how many of `open_runs` (KpiPartial::open_runs) are overdue.
std::uint64_t count_overdue(const std::vector<TimePoint>& open_runs, const OverdueRule& rule);
/// Returns how many of `open_runs` are overdue and became so in `window`: their newest record
/// and `rule.after` come to a time in it.
///
/// Shape: they are the runs of all slots before the end of the window, as far as they may
///        matter: those of the window alone became overdue later.
std::uint64_t count_became_overdue(const std::vector<TimePoint>& open_runs, const Window& window,
                                   const OverdueRule& rule);

/// Computes the figures of one window.
///
/// Shape:  as PartialSet::sum() wants the window.
/// Source: data contract, "The worst case", "Overdue", "KPIs".
WindowKpis compute_window_kpis(const WindowSum& sum, const Window& window,
                               const OverdueRule& overdue = {});
WindowKpis compute_window_kpis(const PartialSet& partials, const Window& window,
                               const OverdueRule& overdue = {});

}  // namespace dagloop
