// One record of an execution log, after normalisation: the words of docs/data-contract.md.
// Value types without behaviour. A LogRecord borrows its text from the line it was read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/decisive_fields.hpp"

namespace dagloop {

/// One valid log record. Absent, null and empty text are the same: an empty view.
///
/// Owns:   nothing; the views die with the line (or the reader's next read).
/// Units:  duration_ms in milliseconds; created_at is the end of the run or attempt.
struct LogRecord {
  std::string_view run_key;         // pipeline_run_id, else request_id
  bool run_key_is_request = false;  // the two live in different key spaces
  std::string_view user_id;         // kept as a hash alone
  std::string_view request_id;
  std::string_view node_id;
  std::string_view error_code;
  std::string_view plan_source;
  bool is_node_record = false;
  bool is_compensation = false;  // a node record of kCompensationNodeType
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
  std::optional<std::uint32_t> fanout_index;  // the item of a for_each that a node record is of
  std::string_view pipeline_id;
  std::optional<std::uint64_t> tokens_in;
  std::optional<std::uint64_t> tokens_out;
  std::optional<std::uint64_t> cost_micros;
  std::uint32_t mended = 0;  // field_bits() of what was taken in another form, or left out
  UnreadBits unread = 0;     // of decisive fields that are there, but were left out
};

}  // namespace dagloop
