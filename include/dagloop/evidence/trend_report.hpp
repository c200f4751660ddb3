// What became of the core KPIs over two weeks and over a month. Pure value types.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dagloop/evidence/trend.hpp"
#include "dagloop/kpi/daily_figures.hpp"

namespace dagloop {

/// An answer to a question about trends.
enum class TrendAnswer { yes, no, not_enough_data };
std::string_view to_string(TrendAnswer answer);

/// Which way a KPI went.
enum class TrendCourse { improves, worsens, none };
std::string_view to_string(TrendCourse course);

/// One KPI over some days.
struct KpiTrend {
  std::string kpi;
  int days = 0;  // with a value
  Trend trend;   // where there are two such days or more
  TrendCourse course = TrendCourse::none;
};

/// The trends up to a day.
struct TrendReport {
  std::vector<KpiTrend> fortnight;  // by core KPI, the last 14 days
  std::vector<KpiTrend> month;      // the last 30 days
  /// At least two of the core KPIs improved over the fortnight; asks for 10 of the 14 days.
  TrendAnswer two_improved = TrendAnswer::not_enough_data;
  /// The rates of failures and of failed verifications fell over the month; asks for 20 of 30 days.
  /// A rate that was 0 all along need not fall.
  TrendAnswer failures_fell = TrendAnswer::not_enough_data;
};

/// Judges the days up to `as_of`.
///
/// Shape:  `history` in ascending order, a day once; days may be missing.
/// Source: docs/kpis.md, "Trends".
TrendReport judge_trends(const std::vector<DailyFigures>& history, TimePoint as_of);

}  // namespace dagloop
