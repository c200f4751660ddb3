#include "record/record_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace dagloop {
namespace {

constexpr std::array kPrecedence{
    RejectReason::wrong_type,     RejectReason::missing_created_at, RejectReason::missing_status,
    RejectReason::missing_run_id, RejectReason::unknown_status,     RejectReason::unknown_value,
    RejectReason::bad_time,       RejectReason::bad_number,         RejectReason::future_time};

// The largest fan-out count: beyond it a double no longer holds every integer.
constexpr double kMaxCount = 9007199254740991.0;
constexpr double kMaxAttempt = std::numeric_limits<std::uint32_t>::max();

std::optional<CompensationStatus> parse_compensation(std::string_view word) {
  if (word == "not_required") return CompensationStatus::not_required;
  if (word == "completed") return CompensationStatus::completed;
  if (word == "failed") return CompensationStatus::failed;
  if (word == "manual_required") return CompensationStatus::manual_required;
  return std::nullopt;
}

std::optional<Cohort> parse_cohort(std::string_view word) {
  if (word == "canary") return Cohort::canary;
  if (word == "control") return Cohort::control;
  return std::nullopt;
}

constexpr std::uint32_t kNumbers =
    field_bits(Field::attempt, Field::duration_ms, Field::fanout_total, Field::fanout_failed);
constexpr std::uint32_t kBooleans = field_bits(Field::idempotent_reuse);

// Whether every value is of the type that its field has in the contract.
bool has_usual_types(const FieldKinds& kinds) {
  return (kinds.others | (kinds.texts & (kNumbers | kBooleans)) | (kinds.numbers & ~kNumbers) |
          (kinds.booleans & ~kBooleans)) == 0;
}

class RecordBuilder {
 public:
  RecordBuilder(const RawFields& raw, const TimeRules& rules, LogRecord& record)
      : raw_(raw), kinds_(raw.kinds()), rules_(rules), record_(record) {}

  std::optional<RejectReason> build() {
    if (!has_usual_types(kinds_)) check_unused();
    read_texts();
    read_words();
    read_numbers();
    read_time();
    return reason_;
  }

 private:
  void reject(RejectReason reason) {
    const auto* rank = std::ranges::find(kPrecedence, reason);
    if (!reason_ || rank < std::ranges::find(kPrecedence, *reason_)) reason_ = reason;
  }

  // No figure needs these; they are held to their type all the same.
  void check_unused() {
    for (const Field field : {Field::user_id, Field::idempotency_key, Field::policy_version,
                              Field::request_id, Field::node_type}) {
      text(field);
    }
  }

  std::string_view text(Field field) {
    if ((kinds_.texts & field_bits(field)) != 0) return raw_.present(field).text;
    if (!raw_.has(field)) return {};
    if (raw_.present(field).kind == ValueKind::loose_text) return raw_.present(field).text;
    reject(RejectReason::wrong_type);
    return {};
  }

  std::optional<double> number_of_text(std::string_view digits) {
    double value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (stop != end || error == std::errc::invalid_argument) {
      reject(RejectReason::wrong_type);
      return std::nullopt;
    }
    if (error == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
    return value;
  }

  std::optional<double> number(Field field) {
    if ((kinds_.numbers & field_bits(field)) != 0) return raw_.present(field).number;
    if (!raw_.has(field)) return std::nullopt;
    const RawValue& value = raw_.present(field);
    if (value.kind == ValueKind::loose_text) return number_of_text(value.text);
    reject(RejectReason::wrong_type);
    return std::nullopt;
  }

  std::optional<std::uint64_t> count(Field field, double least, double most) {
    const std::optional<double> value = number(field);
    if (!value) return std::nullopt;
    // Written so that a NaN fails too, and before the conversion, which `most` fits.
    const bool is_valid = *value >= least && *value <= most &&
                          static_cast<double>(static_cast<std::int64_t>(*value)) == *value;
    if (!is_valid) {
      reject(RejectReason::bad_number);
      return std::nullopt;
    }
    return static_cast<std::uint64_t>(*value);
  }

  bool flag(Field field) {
    const RawValue& value = raw_[field];
    if (value.kind == ValueKind::absent) return false;
    if (value.kind == ValueKind::boolean) return value.truth;
    if (value.kind == ValueKind::loose_text) {
      if (value.text == "1" || value.text == "true") return true;
      if (value.text == "0" || value.text == "false") return false;
    }
    reject(RejectReason::wrong_type);
    return false;
  }

  void read_texts() {
    record_.run_key = text(Field::pipeline_run_id);
    record_.run_key_is_request = record_.run_key.empty();
    if (record_.run_key_is_request) record_.run_key = text(Field::request_id);
    if (record_.run_key.empty()) reject(RejectReason::missing_run_id);
    record_.node_id = text(Field::node_id);
    record_.is_node_record = !record_.node_id.empty() && text(Field::node_type) != "pipeline";
    record_.error_code = text(Field::error_code);
    record_.plan_source = text(Field::plan_source);
    record_.has_verification_reason = !text(Field::verification_reason).empty();
    record_.has_fallback_reason = !text(Field::fallback_reason).empty();
    const std::string_view mode = text(Field::execution_mode);
    const bool is_dag =
        mode.empty() ? !record_.run_key_is_request : mode == "dag" || mode == "pipeline_dag";
    record_.population = is_dag ? Population::dag : Population::non_dag;
  }

  void read_words() {
    const std::string_view status = text(Field::status);
    if (status.empty()) {
      reject(RejectReason::missing_status);
    } else if (const auto known = parse_status(status)) {
      record_.status = *known;
    } else {
      reject(RejectReason::unknown_status);
    }
    read_word(Field::compensation_status, record_.compensation, parse_compensation);
    read_word(Field::cohort, record_.cohort, parse_cohort);
  }

  template <typename Enum>
  void read_word(Field field, Enum& target, std::optional<Enum> (*parse)(std::string_view)) {
    const std::string_view word = text(field);
    target = Enum::none;
    if (word.empty()) return;
    const std::optional<Enum> known = parse(word);
    if (!known) return reject(RejectReason::unknown_value);
    target = *known;
  }

  void read_numbers() {
    record_.attempt = static_cast<std::uint32_t>(count(Field::attempt, 1, kMaxAttempt).value_or(1));
    record_.fanout_total = count(Field::fanout_total, 0, kMaxCount).value_or(0);
    record_.fanout_failed = count(Field::fanout_failed, 0, kMaxCount).value_or(0);
    record_.idempotent_reuse = flag(Field::idempotent_reuse);
    record_.duration_ms = number(Field::duration_ms);
    if (!record_.duration_ms) return;
    // Written so that a NaN fails, too.
    const bool is_valid = *record_.duration_ms >= 0 && std::isfinite(*record_.duration_ms);
    if (!is_valid) reject(RejectReason::bad_number);
  }

  void read_time() {
    const std::string_view created_at = text(Field::created_at);
    if (created_at.empty()) return reject(RejectReason::missing_created_at);
    const std::optional<TimePoint> instant = parse_time(created_at);
    if (!instant) return reject(RejectReason::bad_time);
    record_.created_at = *instant;
    if (*instant > rules_.latest) return reject(RejectReason::future_time);
    if (reason_ || rules_.created_at_marks == CreatedAtMarks::end) return;
    if (!record_.duration_ms) return;
    const double duration_us = std::round(*record_.duration_ms * 1000);
    // Compared before it is added: a huge duration would overflow the clock.
    if (duration_us > static_cast<double>((rules_.latest - *instant).count())) {
      return reject(RejectReason::future_time);
    }
    record_.created_at += Microseconds{static_cast<std::int64_t>(duration_us)};
  }

  const RawFields& raw_;
  const FieldKinds kinds_;
  const TimeRules& rules_;
  LogRecord& record_;
  std::optional<RejectReason> reason_;
};

}  // namespace

void build_record(const RawFields& raw, const TimeRules& rules,
                  std::variant<LogRecord, RejectReason>& result) {
  // Every field is set below, so what the last line left need not be cleared.
  if (!std::holds_alternative<LogRecord>(result)) result.emplace<LogRecord>();
  const auto reason = RecordBuilder(raw, rules, std::get<LogRecord>(result)).build();
  if (reason) result = *reason;
}

}  // namespace dagloop
