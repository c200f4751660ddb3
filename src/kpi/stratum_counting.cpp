#include "stratum_counting.hpp"

namespace dagloop {

void count_alike(const RecordRow& run, std::span<const NodeRow> rows, const CodePool& codes,
                 StratumPartial& partial) {
  const bool has_succeeded = run.status == Status::succeeded;
  ++partial.total_runs;
  partial.succeeded += has_succeeded ? 1 : 0;
  partial.succeeded_unaided += has_succeeded && !run.has_fallback_reason ? 1 : 0;
  partial.fallback += run.has_fallback_reason ? 1 : 0;
  if (run.error_code != 0) {
    ++partial.error_classes.at(static_cast<std::size_t>(codes.error_class(run.error_code)));
  }
  if (run.duration_ms >= 0) partial.latency.add(run.duration_ms);
  for (const NodeRow& row : rows) {
    if (!is_attempt(row.record)) continue;
    ++partial.attempts;
    partial.failed_attempts += row.record.status == Status::failed ? 1 : 0;
  }
}

}  // namespace dagloop
