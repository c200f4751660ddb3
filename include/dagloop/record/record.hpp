// One record of an execution log, after normalisation: the words of docs/data-contract.md.
// Value types without behaviour. A LogRecord borrows its text from the line it was read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dagloop/base/time.hpp"

namespace dagloop {

/// How a run or an attempt ended, or that it has not.
enum class Status : std::uint8_t {
  succeeded,
  failed,
  manual_required,
  cancelled,
  skipped,
  running,
  pending,
  compensating,
};

/// Outcome of a saga's compensation, by severity: of several the greatest counts. `none` where the
/// record says nothing.
enum class CompensationStatus : std::uint8_t {
  none,
  not_required,
  completed,
  failed,
  manual_required
};

/// DAG runs and all other paths are never mixed.
enum class Population : std::uint8_t { dag, non_dag };

/// Which arm of a gradual rollout a run belongs to.
enum class Cohort : std::uint8_t { none, canary, control };

/// Returns the printed word of an enumerator.
std::string_view to_string(Status status);
std::string_view to_string(CompensationStatus status);
std::string_view to_string(Population population);
std::string_view to_string(Cohort cohort);

/// Returns the status for a word of the contract or one of its aliases (`success`, `ok`, `error`).
std::optional<Status> parse_status(std::string_view word);

/// Returns whether a run with `status` is over (it counts in denominators). Final statuses stand
/// first in Status: databases compare their numbers.
constexpr bool is_final(Status status) { return status <= Status::skipped; }

/// Returns whether an attempt with `status` is over and makes its run fail.
constexpr bool ended_badly(Status status) {
  return is_final(status) && status != Status::succeeded && status != Status::skipped;
}

/// One valid log record. Absent, null and empty text are the same: an empty view.
///
/// Owns:   nothing; the views die with the line (or the reader's next read).
/// Units:  duration_ms in milliseconds; created_at is the end of the run or attempt.
struct LogRecord {
  std::string_view run_key;         // pipeline_run_id, else request_id
  bool run_key_is_request = false;  // the two live in different key spaces
  std::string_view node_id;
  std::string_view error_code;
  std::string_view plan_source;
  bool is_node_record = false;
  Status status = Status::succeeded;
  CompensationStatus compensation = CompensationStatus::none;
  Population population = Population::dag;
  Cohort cohort = Cohort::none;
  bool has_verification_reason = false;
  bool has_fallback_reason = false;
  bool idempotent_reuse = false;
  std::uint32_t attempt = 1;
  TimePoint created_at;
  std::optional<double> duration_ms;
  std::uint64_t fanout_total = 0;
  std::uint64_t fanout_failed = 0;
};

}  // namespace dagloop
