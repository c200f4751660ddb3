// Figures of two sides among runs that are alike: those of strata that both sides have. Pure value
// types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "dagloop/kpi/interval.hpp"
#include "dagloop/kpi/stratum.hpp"

namespace dagloop {

/// One KPI of both sides, as it is printed; each stratum has the same weight on both.
struct AlikeFigure {
  double subject = 0;
  double reference = 0;
  std::uint64_t subject_trials = 0;  // in strata that both sides have
  std::uint64_t subject_events = 0;  // as the KPI counts them; 0 for p95
  std::uint64_t reference_trials = 0;
  std::optional<Interval> ci95;  // of the difference of rates
  bool operator==(const AlikeFigure&) const = default;
};

/// A comparison among runs that are alike.
struct Comparable {
  std::string subject_name;  // as in a decision's comparison
  std::string reference_name;
  std::uint64_t strata = 0;                                 // that have runs of both sides
  std::uint64_t all_runs = 0;                               // of the subject
  std::uint64_t runs = 0;                                   // of these, in such strata
  std::map<std::string, AlikeFigure, std::less<>> figures;  // by KPI; those that triggers ask for
  bool operator==(const Comparable&) const = default;

  /// Returns the share of the subject's runs that have others to be compared with; 1 without runs.
  double share() const;
};

/// The runs of one side, by place in a list of strata.
struct SideByStratum {
  std::string name;
  std::map<std::size_t, StratumPartial> runs;
  std::map<std::size_t, std::uint64_t> overdue;  // count as failed, of class `timeout`
};

/// Whether attempts before the last ones are known of both sides.
enum class AttemptsOf { both_known, unknown };

/// Compares like with like; nullopt where all runs of both sides are of one stratum, or a side has
/// none: then the plain figures say it.
///
/// Shape:  a rate is Mantel-Haenszel's. p95 of the reference is that of runs mixed as the subject's
///         are; durations count as the middles of their buckets. `fallback_rate` is compared within
///         pipelines (first_of_pipeline()).
/// Source: kpi/mantel_haenszel.hpp.
std::optional<Comparable> compare_alike(const SideByStratum& subject,
                                        const SideByStratum& reference, const StrataList& strata,
                                        AttemptsOf attempts);

}  // namespace dagloop
