// Private to the kpi layer: what of a run could not be read, and where that counts.
#pragma once

#include <cstdint>

#include "dagloop/kpi/partial.hpp"
#include "run_rows.hpp"

namespace dagloop {

/// Returns whether a decisive field is there but could not be read.
inline bool is_unread(const RecordRow& row, Field field) {
  return (row.unread & unread_bit(field)) != 0;
}

/// Returns whether a run may be one of the canary for all that can be read, but is not known so.
inline bool may_be_canary(const RecordRow& run) {
  if (run.population != Population::dag) return is_unread(run, Field::execution_mode);
  return run.cohort != Cohort::canary && is_unread(run, Field::cohort);
}

/// Counts the values of a run in the rates that could not be read.
inline void count_unread_values(const RecordRow& run, KpiPartial& partial) {
  const bool succeeded = run.status == Status::succeeded;
  if (is_unread(run, Field::duration_ms)) ++partial.unread_durations;
  if (!succeeded && is_unread(run, Field::error_code)) ++partial.unread_codes;
  if (is_unread(run, Field::compensation_status)) ++partial.unread_compensations;
}

}  // namespace dagloop
