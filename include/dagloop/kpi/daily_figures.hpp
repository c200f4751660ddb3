// The figures of one day, kept for trends. Value type.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// DAG runs of one UTC day.
struct DailyFigures {
  TimePoint day;  // its beginning
  std::uint64_t runs = 0;
  std::map<std::string, double> values;  // by core KPI; those with a value
  bool operator==(const DailyFigures&) const = default;
};

/// The KPIs whose trends are looked at.
const std::vector<std::string>& core_kpis();

/// Returns the core KPIs of the runs of `partial`.
DailyFigures daily_figures(TimePoint day, const KpiPartial& partial);

/// Returns the last whole UTC day before `as_of`.
Window last_whole_day(TimePoint as_of);

}  // namespace dagloop
