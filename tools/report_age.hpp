// Keeps a pipeline from judging the report of a day long past, when asked to.
#pragma once

#include <string>

#include "dagloop/kpi/quality.hpp"
#include "tool_main.hpp"

namespace dagloop {

/// Throws Error{insufficient} when the report speaks for a time more than `max_age` (a duration, as
/// given to --max-report-age; empty: any age) before `now`.
inline void check_report_age(const Quality& quality, const std::string& max_age, TimePoint now) {
  const auto limit = duration_flag(max_age, "--max-report-age");
  if (!limit || now - quality.as_of <= *limit) return;
  throw Error(ErrorKind::insufficient, "--report",
              "speaks for " + format_time(quality.as_of) + ", more than " +
                  format_duration(*limit) + " ago",
              "evaluate again with eval_dag_quality");
}

}  // namespace dagloop
