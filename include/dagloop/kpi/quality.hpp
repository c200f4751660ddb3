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
#include "dagloop/kpi/kpi_set.hpp"
#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/service_figures.hpp"

namespace dagloop {

/// Runs of one plan source.
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
  KpiSet kpis;
  std::map<std::string, std::uint64_t> error_codes;
  std::map<std::string, std::uint64_t> error_classes;  // by printed word, all classes
  std::map<std::string, NodeKpis> nodes;
  std::map<std::string, PlanSourceKpis> plan_sources;
  std::map<Cohort, PopulationKpis> cohorts;  // canary, control; only those with runs; DAG only

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
  std::optional<WindowKpis> baseline;
  News news;                               // since it was last counted, else of the window
  std::optional<Attribution> attribution;  // of the sides that decisions compare
  std::optional<ServiceFigures> service;   // of the current window's DAG runs

  /// Returns the in-flight runs of the window, both populations.
  std::uint64_t in_flight() const;
  /// Returns the derived runs of the window, both populations.
  std::uint64_t derived_runs() const;
  bool operator==(const Quality&) const = default;
};

/// Returns the share of malformed lines among all lines; 0 where nothing was read.
double malformed_share(const InputCounts& input);

/// Returns the sum over the slots in a window, of one cohort or (nullopt) of all.
using WindowSum =
    std::function<KpiPartial(const Window&, Population, std::optional<Cohort> cohort)>;

/// Computes the figures of one window.
///
/// Shape: the window's ends are slot boundaries.
WindowKpis compute_window_kpis(const WindowSum& sum, const Window& window,
                               const ErrorClasses& classes);
WindowKpis compute_window_kpis(const PartialSet& partials, const Window& window,
                               const ErrorClasses& classes);

}  // namespace dagloop
