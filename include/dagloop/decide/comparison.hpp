// Which runs are judged and which they are judged against. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// The fault of a rollout between 0 and 100 % whose log has no cohorts.
inline constexpr std::string_view kNoCohorts = "no_cohorts";

/// The obstacle of a rollout whose canary has mostly runs that control has none like.
inline constexpr std::string_view kNoComparableRuns = "no_comparable_runs";

/// The two sides of a comparison. Owns: nothing; points into the Quality it was made from.
struct Comparison {
  const PopulationKpis* subject = nullptr;    // null: missing
  const PopulationKpis* reference = nullptr;  // null: missing
  std::string subject_name;                   // "canary" or "dag"
  std::string reference_name;                 // "control", "previous_window", ...
  Window subject_window;
  const Comparable* alike = nullptr;  // null: the plain figures say it
  std::optional<Reason> fault;        // why one side is missing
};

/// Chooses the sides: canary against control where cohorts exist, else the window's DAG runs
/// against those of the baseline window.
///
/// Shape: `automatic` takes the cohorts as soon as any run of the window carries one, so that a
///        canary that stopped logging is missing data, never a silent switch to another baseline.
Comparison choose_comparison(const Quality& quality, BaselineKind kind);

/// Chooses the sides where the rollout stands at `percent`.
///
/// Shape: as choose_comparison(); but between 0 and 100 % cohorts are needed, unless a baseline
///        before is asked for: where no run has one, both windows hold runs of both policies, and
///        no side stands for the new one (fault `no_cohorts`, both null).
Comparison choose_comparison_at(const Quality& quality, BaselineKind kind, int percent);

}  // namespace dagloop
