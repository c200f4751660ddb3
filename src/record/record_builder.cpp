#include "record/record_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace dagloop {
namespace {

// The fields whose values are of some types.
template <typename... Types>
constexpr std::uint32_t fields_of(Types... types) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (((kContractFields[i].type == types) || ...)) bits |= field_bits(static_cast<Field>(i));
  }
  return bits;
}

constexpr std::uint32_t kNumbers = fields_of(FieldType::whole, FieldType::real);
constexpr std::uint32_t kBooleans = fields_of(FieldType::truth);

// Whether every value is of the type that its field has in the contract.
bool has_usual_types(const FieldKinds& kinds) {
  return (kinds.others | (kinds.texts & (kNumbers | kBooleans)) | (kinds.numbers & ~kNumbers) |
          (kinds.booleans & ~kBooleans)) == 0;
}

class RecordBuilder {
 public:
  RecordBuilder(const RawFields& raw, const TimeRules& rules, LogRecord& record)
      : raw_(raw), kinds_(raw.kinds()), rules_(rules), record_(record) {}

  // Returns whether there is a reason against the record.
  bool build() {
    record_.mended = 0;
    if (!has_usual_types(kinds_)) check_unused();
    read_texts();
    read_words();
    read_numbers();
    read_time();
    return reason_.has_value();
  }

  // Returns what is left of a record that there is a reason against.
  UnreadLine unread() const {
    UnreadLine line;
    line.reason = *reason_;
    line.run_key = record_.run_key;
    line.run_key_is_request = record_.run_key_is_request && !record_.run_key.empty();
    line.cohort = record_.cohort;
    if (has_time_) line.created_at = record_.created_at;
    return line;
  }

 private:
  void reject(RejectReason reason) {
    // By the order of the contract, not by which field was read first: databases check in another
    // order and must tell the same reason.
    const auto* rank = std::ranges::find(kRejectOrder, reason);
    if (!reason_ || rank < std::ranges::find(kRejectOrder, *reason_)) reason_ = reason;
  }

  // No figure needs these; they are held to their type all the same.
  void check_unused() {
    for (const Field field : {Field::user_id, Field::idempotency_key, Field::policy_version,
                              Field::request_id, Field::node_type}) {
      text(field);
    }
  }

  // A value from the detail column has no JSON type ("loose"): it is taken as what the field wants.
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
    // 1e999 is a number, only not a usable one: bad_number.
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

  std::optional<std::uint64_t> count(Field field, std::int64_t least, std::int64_t most) {
    const std::optional<double> value = number(field);
    if (!value) return std::nullopt;
    // Written so that a NaN fails too, and before the conversion, which `most` fits.
    const bool is_valid = *value >= static_cast<double>(least) &&
                          *value <= static_cast<double>(most) &&
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
    record_.is_node_record = !record_.node_id.empty() && text(Field::node_type) != kRunNodeType;
    record_.error_code = text(Field::error_code);
    record_.plan_source = text(Field::plan_source);
    record_.pipeline_id = text(Field::pipeline_id);
    record_.has_verification_reason = !text(Field::verification_reason).empty();
    record_.has_fallback_reason = !text(Field::fallback_reason).empty();
    const std::string_view mode = text(Field::execution_mode);
    const bool is_dag = mode.empty() ? !record_.run_key_is_request
                                     : std::ranges::find(kDagModes, mode) != kDagModes.end();
    record_.population = is_dag ? Population::dag : Population::non_dag;
  }

  void read_words() {
    const std::string_view status = text(Field::status);
    if (status.empty()) {
      reject(RejectReason::missing_status);
    } else if (const auto known = value_of(kStatusWords, status)) {
      record_.status = *known;
    } else {
      reject(RejectReason::unknown_status);
    }
    read_word(Field::compensation_status, kCompensationWords, record_.compensation);
    read_word(Field::cohort, kCohortWords, record_.cohort);
  }

  template <typename Enum, std::size_t kCount>
  void read_word(Field field, const std::array<Word<Enum>, kCount>& words, Enum& target) {
    const std::string_view word = text(field);
    target = Enum::none;
    if (word.empty()) return;
    const std::optional<Enum> known = value_of(words, word);
    if (!known) return reject(RejectReason::unknown_value);
    target = *known;
  }

  void read_numbers() {
    record_.attempt = static_cast<std::uint32_t>(count(Field::attempt, 1, kMaxAttempt).value_or(1));
    record_.fanout_total = count(Field::fanout_total, 0, kMaxCount).value_or(0);
    record_.fanout_failed = count(Field::fanout_failed, 0, kMaxCount).value_or(0);
    record_.idempotent_reuse = flag(Field::idempotent_reuse);
    read_rare_counts();
    record_.duration_ms = number(Field::duration_ms);
    if (!record_.duration_ms) return;
    // Written so that a NaN fails, too.
    const bool is_valid = *record_.duration_ms >= 0 && std::isfinite(*record_.duration_ms);
    if (!is_valid) reject(RejectReason::bad_number);
  }

  // Most logs have none of them.
  void read_rare_counts() {
    constexpr std::uint32_t kRare =
        field_bits(Field::fanout_index, Field::tokens_in, Field::tokens_out, Field::cost_micros);
    record_.fanout_index.reset();
    record_.tokens_in.reset();
    record_.tokens_out.reset();
    record_.cost_micros.reset();
    if (!raw_.has_any(kRare)) return;
    if (const auto index = count(Field::fanout_index, 0, kMaxFanoutIndex)) {
      record_.fanout_index = static_cast<std::uint32_t>(*index);
    }
    record_.tokens_in = count(Field::tokens_in, 0, kMaxCount);
    record_.tokens_out = count(Field::tokens_out, 0, kMaxCount);
    record_.cost_micros = count(Field::cost_micros, 0, kMaxCount);
  }

  void read_time() {
    has_time_ = false;
    const std::string_view created_at = text(Field::created_at);
    if (created_at.empty()) return reject(RejectReason::missing_created_at);
    const std::optional<TimePoint> instant = parse_time(created_at);
    if (!instant) return reject(RejectReason::bad_time);
    record_.created_at = *instant;
    if (*instant > rules_.latest) return reject(RejectReason::future_time);
    has_time_ = true;
    if (reason_ || rules_.created_at_marks == CreatedAtMarks::end) return;
    if (!record_.duration_ms) return;
    const double duration_us = std::round(*record_.duration_ms * 1000);
    // Compared before it is added: a huge duration would overflow the clock.
    if (duration_us > static_cast<double>((rules_.latest - *instant).count())) {
      has_time_ = false;
      return reject(RejectReason::future_time);
    }
    record_.created_at += Microseconds{static_cast<std::int64_t>(duration_us)};
  }

  const RawFields& raw_;
  const FieldKinds kinds_;
  const TimeRules& rules_;
  LogRecord& record_;
  std::optional<RejectReason> reason_;
  bool has_time_ = false;
};

}  // namespace

void build_record(const RawFields& raw, const TimeRules& rules, ReadResult& result) {
  // Every field is set below, so what the last line left need not be cleared.
  if (!std::holds_alternative<LogRecord>(result)) result.emplace<LogRecord>();
  RecordBuilder builder(raw, rules, std::get<LogRecord>(result));
  if (builder.build()) result = builder.unread();
}

}  // namespace dagloop
