#include "dagloop/kpi/daily_figures.hpp"

#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {

const std::vector<std::string>& core_kpis() {
  static const std::vector<std::string> names{"pipeline_success_rate", "verification_failed_rate",
                                              "fallback_rate", "attempt_failure_rate",
                                              "p95_latency_ms"};
  return names;
}

DailyFigures daily_figures(TimePoint day, const KpiPartial& partial) {
  DailyFigures figures{day, partial.total_runs, {}};
  const KpiSet kpis = compute_kpis(partial);
  for (const std::string& name : core_kpis()) {
    const Kpi* kpi = kpis.find(name);
    if (kpi != nullptr && kpi->value) figures.values[name] = *kpi->value;
  }
  return figures;
}

Window last_whole_day(TimePoint as_of) {
  // Days of UTC, whatever the service's zone: the same for all hosts, and always 24 hours.
  const TimePoint end = std::chrono::floor<std::chrono::days>(as_of);
  return {end - std::chrono::days(1), end};
}

}  // namespace dagloop
