// The words of the data contract, in one table: which fields a record has, of which type they are,
// and which words stand in them. Records are read with it, the SQL of both databases is written
// from it, and what prints a record takes its words here. Values, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dagloop/record/status.hpp"
#include "dagloop/record/word_table.hpp"

namespace dagloop {

/// The contract's fields, in its order.
enum class Field : std::uint8_t {
  request_id,
  user_id,
  created_at,
  status,
  error_code,
  pipeline_run_id,
  node_id,
  node_type,
  attempt,
  duration_ms,
  verification_reason,
  fallback_reason,
  execution_mode,
  plan_source,
  idempotency_key,
  idempotent_reuse,
  compensation_status,
  fanout_total,
  fanout_failed,
  policy_version,
  cohort,
  fanout_index,
  pipeline_id,
  tokens_in,
  tokens_out,
  cost_micros,
};

/// What a field holds. In JSON a time is a string, and both whole and real are numbers.
enum class FieldType : std::uint8_t { text, time, whole, real, truth };

/// One field: how its column is called, and what it holds.
struct ContractField {
  std::string_view name;
  FieldType type = FieldType::text;
};

/// All fields, in the order of Field.
inline constexpr std::array<ContractField, 26> kContractFields{{
    {"request_id", FieldType::text},
    {"user_id", FieldType::text},
    {"created_at", FieldType::time},
    {"status", FieldType::text},
    {"error_code", FieldType::text},
    {"pipeline_run_id", FieldType::text},
    {"node_id", FieldType::text},
    {"node_type", FieldType::text},
    {"attempt", FieldType::whole},
    {"duration_ms", FieldType::real},
    {"verification_reason", FieldType::text},
    {"fallback_reason", FieldType::text},
    {"execution_mode", FieldType::text},
    {"plan_source", FieldType::text},
    {"idempotency_key", FieldType::text},
    {"idempotent_reuse", FieldType::truth},
    {"compensation_status", FieldType::text},
    {"fanout_total", FieldType::whole},
    {"fanout_failed", FieldType::whole},
    {"policy_version", FieldType::text},
    {"cohort", FieldType::text},
    {"fanout_index", FieldType::whole},
    {"pipeline_id", FieldType::text},
    {"tokens_in", FieldType::whole},
    {"tokens_out", FieldType::whole},
    {"cost_micros", FieldType::whole},
}};

/// Number of fields.
inline constexpr std::size_t kFieldCount = kContractFields.size();

/// Returns a field's name, which is that of its column where no mapping says otherwise.
constexpr std::string_view to_string(Field field) {
  return kContractFields.at(static_cast<std::size_t>(field)).name;
}
/// Returns what a field holds.
constexpr FieldType type_of(Field field) {
  return kContractFields.at(static_cast<std::size_t>(field)).type;
}

/// Returns the field of a name; nullopt where the contract has none of it.
constexpr std::optional<Field> field_named(std::string_view name) {
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (kContractFields.at(i).name == name) return static_cast<Field>(i);
  }
  return std::nullopt;
}

/// Returns whether a field of text may be a number as well: ids and names. Of a code and a reason 0
/// says that there is none, and a number is no word.
bool takes_numbers(Field field);

/// Returns a set of one field, or of several: a bit a field.
template <typename... Fields>
constexpr std::uint32_t field_bits(Fields... fields) {
  return ((std::uint32_t{1} << static_cast<unsigned>(fields)) | ...);
}
static_assert(kFieldCount < 32);

/// The largest attempt, fan-out index and count (of items, tokens, cost) that a record may have.
/// Beyond the last a double no longer holds every integer.
inline constexpr std::int64_t kMaxAttempt = 4294967295;
inline constexpr std::int64_t kMaxFanoutIndex = 4294967294;
inline constexpr std::int64_t kMaxCount = 9007199254740991;

/// Returns the printed word of an enumerator.
std::string_view to_string(Status status);
std::string_view to_string(CompensationStatus status);
std::string_view to_string(Population population);
std::string_view to_string(Cohort cohort);

/// Returns the status for a word of the contract or one of its aliases, in any case.
std::optional<Status> parse_status(std::string_view word);

/// The words of `status`, in lower case; they are read in any (value_in_any_case). Those behind the
/// printed ones are aliases, which are only read.
inline constexpr std::array<Word<Status>, 27> kStatusWords{{
    {"succeeded", Status::succeeded},
    {"failed", Status::failed},
    {"manual_required", Status::manual_required},
    {"cancelled", Status::cancelled},
    {"skipped", Status::skipped},
    {"running", Status::running},
    {"pending", Status::pending},
    {"compensating", Status::compensating},
    {"success", Status::succeeded},
    {"ok", Status::succeeded},
    {"error", Status::failed},
    {"completed", Status::succeeded},
    {"passed", Status::succeeded},
    {"done", Status::succeeded},
    {"failure", Status::failed},
    {"errored", Status::failed},
    {"crashed", Status::failed},
    {"timeout", Status::failed},
    {"timed_out", Status::failed},
    {"timedout", Status::failed},
    {"aborted", Status::failed},
    {"killed", Status::failed},
    {"canceled", Status::cancelled},
    {"started", Status::running},
    {"in_progress", Status::running},
    {"queued", Status::pending},
    {"scheduled", Status::pending},
}};

/// The words of `status` that are an error code, too: a record that has none has kTimeoutCode.
inline constexpr std::array<std::string_view, 3> kTimeoutWords{"timeout", "timed_out", "timedout"};
inline constexpr std::string_view kTimeoutCode = "timeout";

/// The words of `compensation_status`, read in any case; where it is absent, the value is `none`.
inline constexpr std::array<Word<CompensationStatus>, 4> kCompensationWords{{
    {"not_required", CompensationStatus::not_required},
    {"completed", CompensationStatus::completed},
    {"failed", CompensationStatus::failed},
    {"manual_required", CompensationStatus::manual_required},
}};

/// The words of `cohort`, read in any case; where it is absent, the value is `none`.
inline constexpr std::array<Word<Cohort>, 2> kCohortWords{{
    {"canary", Cohort::canary},
    {"control", Cohort::control},
}};

/// The words of `execution_mode` that name the DAG path; any other names another path.
inline constexpr std::array<std::string_view, 2> kDagModes{"dag", "pipeline_dag"};
/// Returns whether `mode` is one of them, in whatever case.
constexpr bool is_dag_mode(std::string_view mode) {
  for (const std::string_view word : kDagModes) {
    if (is_same_in_any_case(word, trim_spaces(mode))) return true;
  }
  return false;
}

/// The `node_type` of a run record, whatever its `node_id` is.
inline constexpr std::string_view kRunNodeType = "pipeline";

/// The `node_type`, in any case, of a node that undoes what others did: no attempt, and no word on
/// how it went.
inline constexpr std::string_view kCompensationNodeType = "compensation";

/// The `error_code`, in any case, of a node record that was not executed, for one before it failed.
inline constexpr std::string_view kUpstreamFailedCode = "upstream_failed";

/// The node of a node record whose own cannot be read: an array, an object, true or false.
inline constexpr std::string_view kUnreadNode = "unread";

/// Why a line is malformed.
enum class RejectReason : std::uint8_t {
  not_json_object,
  missing_created_at,
  missing_status,
  missing_run_id,  // neither pipeline_run_id nor request_id
  wrong_type,
  unknown_status,
  unknown_value,  // a word outside the contract, e.g. of compensation_status or cohort
  bad_time,
  bad_number,  // negative or non-finite duration, attempt < 1, negative fan-out
  future_time,
  line_too_long,
};

/// The words of the reasons: the keys of `input.malformed_by_reason`.
inline constexpr std::array<Word<RejectReason>, 11> kRejectWords{{
    {"not_json_object", RejectReason::not_json_object},
    {"missing_created_at", RejectReason::missing_created_at},
    {"missing_status", RejectReason::missing_status},
    {"missing_run_id", RejectReason::missing_run_id},
    {"wrong_type", RejectReason::wrong_type},
    {"unknown_status", RejectReason::unknown_status},
    {"unknown_value", RejectReason::unknown_value},
    {"bad_time", RejectReason::bad_time},
    {"bad_number", RejectReason::bad_number},
    {"future_time", RejectReason::future_time},
    {"line_too_long", RejectReason::line_too_long},
}};

/// The reasons that the fields of a record give. Of several the first in this order stands, so the
/// reason never depends on the order of fields, nor on the source.
inline constexpr std::array kRejectOrder{
    RejectReason::wrong_type,     RejectReason::missing_created_at, RejectReason::missing_status,
    RejectReason::missing_run_id, RejectReason::unknown_status,     RejectReason::unknown_value,
    RejectReason::bad_time,       RejectReason::bad_number,         RejectReason::future_time};

/// Returns the printed word of `reason`.
constexpr std::string_view to_string(RejectReason reason) { return word_of(kRejectWords, reason); }

}  // namespace dagloop
