// How far the runs of one day hang together: what counts where days are held against other days.
// Pure; docs/decisions.md, "Before against after".
#pragma once

#include <cstdint>
#include <vector>

#include "dagloop/evidence/evidence.hpp"
#include "dagloop/kpi/daily_figures.hpp"

namespace dagloop {

/// Runs of one day, and the share of them on which what is counted happened.
struct DailyRate {
  std::uint64_t runs = 0;
  double rate = 0;
};

/// Returns the correlation of two runs of the same day.
///
/// Shape:  fewer than 7 days with runs, or none or all of the runs with the event: that of a daily
///         rate whose standard deviation is 3 points, at most 0.05. Else it is estimated, and the
///         fewer days there are, the more is added, as a t distribution is wider than a normal one.
/// Source: Rao and Scott 1992, with days as clusters; Donner and Klar 2000, "Design and analysis of
///         cluster randomization trials in health research".
double day_correlation(const std::vector<DailyRate>& days, double expected_rate);

/// Sets the design effect of days for every test of evidence that holds all runs against those
/// before: 1 + rho (runs a day - 1).
///
/// Shape: of `days` the latest 28 before the evidence begins; none are needed.
void set_day_effects(Evidence& evidence, const std::vector<DailyFigures>& days);

}  // namespace dagloop
