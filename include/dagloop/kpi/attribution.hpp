// What the difference of two failure rates is made of: sums over error codes, nodes and plan
// sources that are exact. Pure value types; docs/kpis.md has the formulas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/kpi/interval.hpp"
#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/stratified.hpp"

namespace dagloop {

/// What one label accounts for: how often it stands among the runs, subject - reference.
struct CountedPart {
  std::string name;
  std::int64_t subject_count = 0;  // negative in a rest alone
  std::int64_t reference_count = 0;
  Estimate effect;
  bool operator==(const CountedPart&) const = default;
};

/// The difference by label: `parts`, `others` and `rest` sum to it.
struct CountedBreakdown {
  std::vector<CountedPart> parts;  // the greatest effects of either sign first; kShownParts at most
  CountedPart others;              // all other labels
  CountedPart rest;                // what no label accounts for
  bool operator==(const CountedBreakdown&) const = default;
};

/// What the runs of one plan source account for.
struct SourcePart {
  std::string name;  // "": runs without one
  RunCounts subject;
  RunCounts reference;
  Estimate rate_effect;  // they fail at another rate
  Estimate mix_effect;   // they are another share of the runs
  Estimate effect;       // both
  bool operator==(const SourcePart&) const = default;
};

/// The difference by plan source: `parts` and `others` sum to it.
struct SourceBreakdown {
  std::vector<SourcePart> parts;  // the greatest effects of either sign first; kShownParts at most
  SourcePart others;
  bool operator==(const SourceBreakdown&) const = default;
};

/// Why the runs of one side fail more, or less, than those of the other. Effects are differences of
/// failure rates (0.05 for 5 points), subject - reference: above 0 is worse.
struct Attribution {
  static constexpr std::size_t kShownParts = 5;

  std::string subject_name;  // as in a Comparison
  std::string reference_name;
  RunCounts subject;
  RunCounts reference;
  Estimate difference;
  CountedBreakdown error_codes;
  CountedBreakdown nodes;
  SourceBreakdown plan_sources;
  std::vector<StratifiedDifference> stratified;
  bool operator==(const Attribution&) const = default;
};

/// One side of a comparison.
struct AttributedSide {
  std::string name;
  KpiPartial runs;
  std::optional<Strata> hours;  // strata_by_hour(), where the partials of hours are apart
};

/// Attributes the difference; nullopt where a side has no run.
///
/// Shape:  parts with `others` and `rest` sum to the difference, but for rounding (1e-12). Labels
///         are masked.
/// Source: Kitagawa 1955 for plan sources; intervals as in kpi/interval.hpp.
std::optional<Attribution> attribute(const AttributedSide& subject,
                                     const AttributedSide& reference);

}  // namespace dagloop
