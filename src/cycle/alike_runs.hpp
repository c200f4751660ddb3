// Which strata are told apart, and the window's figures among runs that are alike. Private to the
// cycle layer.
#pragma once

#include <optional>
#include <vector>

#include "dagloop/cycle/news_request.hpp"
#include "dagloop/kpi/comparable.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// The windows of the figures.
struct FigureWindows {
  Window current;
  std::optional<TimePoint> begun_from;  // runs of the current window; none: whenever
  std::optional<Window> baseline;
};

/// What is known of the reference when its strata are chosen.
struct ReferenceStrata {
  StrataList strata;
  // Of the baseline window alone: what is bet on later runs must not rest on any of them. Where all
  // runs are held against those before, these are partly the same: there it is an approximation.
  std::map<Stratum, StratumPartial> before;
};

/// The runs that are summed up, and which of the open ones count.
struct SummedRuns {
  const RunSum& sum;
  const OverdueRule& overdue;
};

/// Chooses the strata: the largest of the baseline window and of control; nullopt where there are
/// no such runs yet.
std::optional<ReferenceStrata> choose_strata(const RunSum& sum, const FigureWindows& windows);

/// Returns what each stratum gave, the rest last.
std::vector<ArmFigures> usual_of(const ReferenceStrata& reference, const SlowLimits& limits);

/// Compares the sides that decisions compare; nullopt where plain figures say it, or a side is
/// missing.
std::optional<Comparable> comparable_runs(const SummedRuns& runs, const FigureWindows& windows,
                                          const Quality& quality, BaselineKind kind);

}  // namespace dagloop
