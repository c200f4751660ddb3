// The difference of two failure rates among runs that are alike: Simpson's trap. Pure value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/kpi/interval.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// Runs, and those of them that did not succeed.
struct RunCounts {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;

  /// Adds `other`.
  void merge(const RunCounts& other);
  /// Returns failed / runs; 0 without runs.
  double failure_rate() const;
  bool operator==(const RunCounts&) const = default;
};

/// The runs of one side by what they have in common.
using Strata = std::map<std::string, RunCounts>;

/// Returns the runs by plan source, labels masked; "" are those without one.
Strata strata_by_plan_source(const KpiPartial& runs);

/// Returns the runs of a window by hour of the day, UTC: "00" to "23".
///
/// Shape: the partials of different hours are apart: LogQuery::cuts, or none.
Strata strata_by_hour(const PartialSet& partials, const Window& window, Population population,
                      std::optional<Cohort> cohort);

/// `mix_explains_difference`: the sides differ, but hardly among runs that are alike.
/// `mix_hides_difference`: they differ among runs that are alike, but hardly on the whole.
enum class MixFinding { none, mix_explains_difference, mix_hides_difference };

/// Returns the printed word.
std::string_view to_string(MixFinding finding);

/// The difference of failure rates among runs that are alike, subject - reference.
struct StratifiedDifference {
  std::string by;                      // "plan_source" or "hour_of_day"
  std::uint64_t strata = 0;            // that have runs of both sides
  double subject_share = 0;            // of the runs, those in such strata
  double reference_share = 0;          // of the runs, those in such strata
  std::optional<Estimate> difference;  // none: no stratum has runs of both sides
  MixFinding finding = MixFinding::none;
  bool operator==(const StratifiedDifference&) const = default;
};

/// Compares like with like.
///
/// Shape:  both sides have runs; strata that one side lacks are left out. No interval where no run
///         of the shared strata failed, or every one.
/// Source: the risk difference of Mantel and Haenszel, with the variance of Sato 1989 and the
///         interval of Klingenberg 2014; docs/kpis.md says when there is a finding.
StratifiedDifference stratify(std::string by, const Strata& subject, const Strata& reference);

}  // namespace dagloop
