// Builds Quality values from chosen counts, by the same way as real ones: partials, then KPIs.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/quality.hpp"
#include "make_codes.hpp"

namespace dagloop::test {

/// 2026-02-25T06:00:00Z, the instant of every made report.
inline constexpr TimePoint kAsOf{std::chrono::sys_days{std::chrono::year{2026} / 2 / 25} +
                                 std::chrono::hours{6}};
inline constexpr Window kCurrentWindow{kAsOf - std::chrono::hours{24}, kAsOf};
inline constexpr Window kBaselineWindow{kAsOf - std::chrono::hours{48},
                                        kAsOf - std::chrono::hours{24}};

/// Returns a node's partial: `failed` of `attempts`, and `retries_succeeded` of `retries`.
inline NodePartial make_node(std::uint64_t attempts, std::uint64_t failed,
                             std::uint64_t retries = 0, std::uint64_t retries_succeeded = 0) {
  NodePartial node;
  node.attempts = attempts;
  node.failed_attempts = failed;
  node.retries = retries;
  node.retries_succeeded = retries_succeeded;
  node.run_node_pairs = attempts - retries;
  return node;
}

/// Returns a partial of `runs` final runs, `succeeded` of them successful, `latency_ms` each (none
/// without it). Set further members on the result.
inline KpiPartial make_runs(std::uint64_t runs, std::uint64_t succeeded,
                            std::optional<double> latency_ms = 1000) {
  KpiPartial partial;
  partial.total_runs = runs;
  partial.succeeded = succeeded;
  partial.succeeded_unaided = succeeded;
  for (std::uint64_t i = 0; latency_ms && i < runs; ++i) partial.latency.add(*latency_ms);
  return partial;
}

/// Returns `make_runs` with runs that failed by `error_codes`.
inline KpiPartial make_runs_with_errors(std::uint64_t runs, std::uint64_t succeeded,
                                        const std::map<std::string, std::uint64_t>& error_codes) {
  KpiPartial partial = make_runs(runs, succeeded);
  set_codes(partial, error_codes);
  return partial;
}

/// Collects runs of the current and of the baseline window (a day each) and builds the Quality.
class QualityBuilder {
 public:
  QualityBuilder() {
    set_.input.records = 1000;
    set_.input.newest_record = kAsOf - std::chrono::minutes{1};
  }

  /// Adds runs to the current window.
  QualityBuilder& current(const KpiPartial& runs, Cohort cohort = Cohort::none,
                          Population population = Population::dag) {
    set_.partials[{kCurrentWindow.start, population, cohort}].merge(runs);
    return *this;
  }

  /// Adds runs to the baseline window, which the Quality then has.
  QualityBuilder& baseline(const KpiPartial& runs, Cohort cohort = Cohort::none) {
    set_.partials[{kBaselineWindow.start, Population::dag, cohort}].merge(runs);
    has_baseline_ = true;
    return *this;
  }

  /// Sets the newest record; nullopt: none was read.
  QualityBuilder& newest_record(std::optional<TimePoint> newest) {
    set_.input.newest_record = newest;
    return *this;
  }

  /// Sets how many of `records` lines were malformed.
  QualityBuilder& malformed(std::uint64_t malformed, std::uint64_t records) {
    set_.input.malformed = malformed;
    set_.input.records = records;
    set_.input.window.all = {records, malformed};
    return *this;
  }

  /// Sets how many of a cohort's lines were malformed, of which the first is shown.
  QualityBuilder& malformed_of(LineShare RangeLines::*cohort, LineShare lines) {
    set_.input.window.*cohort = lines;
    set_.input.examples = {{"a.jsonl", 7, RejectReason::unknown_status, Field::status,
                            "the text \"sideways\"", "a status"}};
    return *this;
  }

  /// Says how many runs of the current window could not be read; with Cohort::none those whose line
  /// shows no cohort.
  QualityBuilder& unread(std::uint64_t runs, Cohort cohort = Cohort::none) {
    KpiPartial partial;
    partial.unread_runs = runs;
    return current(partial, cohort);
  }

  /// Says how many rows of a database no window lets go of.
  QualityBuilder& without_time(std::uint64_t rows) {
    set_.input.without_time = rows;
    return *this;
  }

  /// Says how many runs of the current window began long ago and never ended.
  QualityBuilder& overdue(std::uint64_t runs, Cohort cohort = Cohort::none) {
    KpiPartial partial;
    partial.in_flight = runs;
    partial.open_runs.assign(runs, kCurrentWindow.start + std::chrono::hours{1});
    return current(partial, cohort);
  }

  /// Returns the Quality of what was added.
  Quality build() const {
    const OverdueRule rule{std::chrono::hours{1}, set_.input.newest_record};
    Quality quality;
    quality.generated_at = kAsOf;
    quality.as_of = kAsOf;
    quality.current = compute_window_kpis(set_, kCurrentWindow, rule);
    quality.service = service_figures(set_.sum(kCurrentWindow, Population::dag));
    quality.input = set_.input;
    if (has_baseline_) quality.baseline = compute_window_kpis(set_, kBaselineWindow, rule);
    quality.attribution = attribution(quality);
    return quality;
  }

 private:
  AttributedSide side(const char* name, const Window& window, std::optional<Cohort> cohort) const {
    return {name, set_.sum(window, Population::dag, cohort),
            strata_by_hour(set_, window, Population::dag, cohort)};
  }

  // Canary against control where there are cohorts, else the window against the one before.
  std::optional<Attribution> attribution(const Quality& quality) const {
    if (!quality.current.population(Population::dag).cohorts.empty()) {
      return attribute(side("canary", kCurrentWindow, Cohort::canary),
                       side("control", kCurrentWindow, Cohort::control));
    }
    return attribute(side("dag", kCurrentWindow, std::nullopt),
                     side("previous window", kBaselineWindow, std::nullopt));
  }

  PartialSet set_;
  bool has_baseline_ = false;
};

}  // namespace dagloop::test
