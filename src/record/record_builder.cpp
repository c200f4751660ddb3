#include "record/record_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "dagloop/base/ascii.hpp"
#include "record/read_fault.hpp"

namespace dagloop {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// The words that are printed, in which most logs have their statuses.
constexpr auto kContractStatusWords = [] {
  std::array<Word<Status>, 8> words{};
  std::ranges::copy_n(kStatusWords.begin(), words.size(), words.begin());
  return words;
}();

// What hardly a record needs is cold, out of the way of what each does.
class RecordBuilder {
 public:
  RecordBuilder(const RawFields& raw, const TimeRules& rules, NumberTexts& texts, LogRecord& record)
      : raw_(raw), rules_(rules), number_texts_(texts), record_(record) {}

  // Returns whether there is a reason against the record.
  [[gnu::flatten]] bool build() {
    record_.mended = 0;
    record_.unread = 0;
    if (!raw_.kinds().are_usual()) look_at_unused();
    if (raw_.replaced() == Replaced::some) look_at_replaced();
    if (raw_.not_numbers() != 0) look_at_not_numbers();
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
    line.fault = *reason_ == RejectReason::future_time ? future_fault(raw_[Field::created_at])
                                                       : field_fault(field_, raw_[field_]);
    line.run_key = record_.run_key;
    line.run_key_is_request = record_.run_key_is_request && !record_.run_key.empty();
    line.cohort = record_.cohort;
    if (time_ == Shown::past) line.created_at = record_.created_at;
    line.is_of_future = time_ == Shown::future;
    line.may_be_attempt = record_.is_node_record;
    return line;
  }

 private:
  // The time that a line shows.
  enum class Shown : std::uint8_t { none, past, future };

  // What is read from other forms; a word that is needed is none then.
  [[gnu::noinline, gnu::cold]] std::string_view needed_of_other(Field field) {
    const RawValue& value = raw_.present(field);
    if (value.kind == ValueKind::loose_text) return value.text;
    if (value.kind != ValueKind::instant) reject(RejectReason::wrong_type, field);
    return {};
  }

  [[gnu::noinline, gnu::cold]] void reject(RejectReason reason, Field field) {
    const auto* rank = std::ranges::find(kRejectOrder, reason);
    if (reason_ && rank >= std::ranges::find(kRejectOrder, *reason_)) return;
    reason_ = reason;
    field_ = field;
  }

  void mend(Field field) { record_.mended |= field_bits(field); }

  // What is there but cannot be read, in whatever form.
  void leave_out(Field field) {
    mend(field);
    record_.unread = static_cast<UnreadBits>(record_.unread | unread_bit(field));
  }

  // NaN is null, and a duration that nobody can tell: none is one of a run that has ended.
  [[gnu::noinline, gnu::cold]] void look_at_not_numbers() {
    if ((raw_.not_numbers() & field_bits(Field::duration_ms)) != 0) {
      record_.unread = unread_bit(Field::duration_ms);
    }
  }

  // Not all are read below; that they are not as they should be is said all the same.
  [[gnu::noinline, gnu::cold]] void look_at_unused() {
    for (const Field field : {Field::user_id, Field::idempotency_key, Field::policy_version,
                              Field::request_id, Field::node_type}) {
      text(field);
    }
  }

  [[gnu::noinline, gnu::cold]] void look_at_replaced() {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      const bool holds_it = raw_[field].text.find(kReplacement) != std::string_view::npos;
      if (is_text(field) && holds_it) mend(field);
    }
  }

  bool is_text(Field field) const {
    const ValueKind kind = raw_[field].kind;
    return kind == ValueKind::text || kind == ValueKind::loose_text;
  }

  // What stands in a field of text: other forms as their text, too.
  std::string_view text(Field field) { return text_or<&RecordBuilder::text_of_other>(field); }

  // Most fields hold text or nothing; `other` reads what else there is.
  template <auto other>
  std::string_view text_or(Field field) {
    if ((texts_ & field_bits(field)) != 0) return raw_.present(field).text;
    if (!has(field)) return {};
    return (this->*other)(field);
  }

  bool has(Field field) const { return (present_ & field_bits(field)) != 0; }

  [[gnu::noinline, gnu::cold]] std::string_view text_of_other(Field field) {
    const RawValue& value = raw_.present(field);
    if (value.kind == ValueKind::loose_text) return value.text;
    mend(field);
    if (value.kind == ValueKind::boolean) return value.truth ? "true" : "false";
    if (value.kind != ValueKind::compound) return text_of_number(field);
    leave_out(field);
    return {};
  }

  std::string_view text_of_number(Field field) {
    const RawValue& value = raw_.present(field);
    if (value.kind == ValueKind::big_number) return value.text;
    auto& text = number_texts_[static_cast<std::size_t>(field)];
    const bool is_whole = std::abs(value.number) <= static_cast<double>(kMaxCount) &&
                          std::trunc(value.number) == value.number;
    char* const end = text.data() + text.size();
    const auto written =
        is_whole ? std::to_chars(text.data(), end, static_cast<std::int64_t>(value.number))
                 : std::to_chars(text.data(), end, value.number);
    return {text.data(), written.ptr};
  }

  // Of a field that holds one of some words: nothing but text is one.
  [[gnu::noinline, gnu::cold]] std::string_view word_of_other(Field field) {
    if (raw_.present(field).kind == ValueKind::loose_text) return raw_.present(field).text;
    leave_out(field);
    return {};
  }

  // Of a reason, or a code: false and 0 say that there is none.
  [[gnu::noinline, gnu::cold]] std::string_view reason_of_other(Field field) {
    const RawValue& value = raw_.present(field);
    const bool is_no = (value.kind == ValueKind::boolean && !value.truth) ||
                       (value.kind == ValueKind::number && value.number == 0);
    if (is_no) {
      mend(field);
      return {};
    }
    // An object that holds something tells a reason, too, only not in words. A code that is none
    // says nothing.
    const bool tells =
        value.kind == ValueKind::compound && value.truth && field != Field::error_code;
    if (!tells) return text_of_other(field);
    mend(field);
    return kUnreadNode;
  }

  // Of a run: what cannot be read may be any run's.
  [[gnu::noinline, gnu::cold]] std::string_view run_of_other(Field field) {
    if (!is_no_name(field)) return text_of_other(field);
    reject(RejectReason::wrong_type, field);
    return {};
  }

  // A record of a node stays one, or it would say how the run ended.
  [[gnu::noinline, gnu::cold]] std::string_view node_of_other(Field field) {
    if (!is_no_name(field)) return text_of_other(field);
    mend(field);
    return kUnreadNode;
  }

  bool is_no_name(Field field) const {
    const ValueKind kind = raw_.present(field).kind;
    return kind == ValueKind::boolean || kind == ValueKind::compound;
  }

  // The number in a field that has a value; NaN where it is none.
  double number(Field field) {
    if ((numbers_ & field_bits(field)) != 0) return raw_.present(field).number;
    return number_of_other(field);
  }

  [[gnu::noinline, gnu::cold]] double number_of_other(Field field) {
    const RawValue& value = raw_.present(field);
    if (value.kind == ValueKind::big_number) return value.number;
    if (value.kind != ValueKind::loose_text) mend(field);
    double number = kNoNumber;
    if (!is_text(field)) return number;
    const std::string_view digits = trim_spaces(value.text);
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    return stop == end && error == std::errc{} ? number : kNoNumber;
  }

  [[gnu::always_inline]] std::optional<std::uint64_t> count(Field field, std::int64_t least,
                                                            std::int64_t most) {
    if (!has(field)) return std::nullopt;
    const double value = number(field);
    // Written so that a NaN fails too, and before the conversion, which `most` fits.
    const bool is_valid = value >= static_cast<double>(least) &&
                          value <= static_cast<double>(most) &&
                          static_cast<double>(static_cast<std::int64_t>(value)) == value;
    if (is_valid) return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    mend(field);
    return std::nullopt;
  }

  bool flag(Field field) {
    if ((booleans_ & field_bits(field)) != 0) return raw_.present(field).truth;
    return has(field) && flag_of_other(field);
  }

  [[gnu::noinline, gnu::cold]] bool flag_of_other(Field field) {
    const RawValue& value = raw_.present(field);
    if (value.kind != ValueKind::loose_text) mend(field);
    if (value.kind == ValueKind::number && value.number == 1) return true;
    if (value.kind == ValueKind::number || !is_text(field)) return false;
    const std::string_view plain = trim_spaces(value.text);
    if (plain == "1" || is_same_in_any_case(plain, "true")) return true;
    if (plain != "0" && !is_same_in_any_case(plain, "false")) mend(field);
    return false;
  }

  std::string_view reason(Field field) { return text_or<&RecordBuilder::reason_of_other>(field); }

  void read_texts() {
    record_.run_key = text_or<&RecordBuilder::run_of_other>(Field::pipeline_run_id);
    record_.run_key_is_request = record_.run_key.empty();
    if (record_.run_key_is_request) {
      record_.run_key = text_or<&RecordBuilder::run_of_other>(Field::request_id);
    }
    record_.user_id = text(Field::user_id);
    record_.request_id = record_.run_key_is_request ? record_.run_key : text(Field::request_id);
    if (record_.run_key.empty()) reject(RejectReason::missing_run_id, Field::pipeline_run_id);
    record_.node_id = text_or<&RecordBuilder::node_of_other>(Field::node_id);
    record_.is_node_record = !record_.node_id.empty() && text(Field::node_type) != kRunNodeType;
    record_.is_compensation = record_.is_node_record &&
                              is_same_in_any_case(text(Field::node_type), kCompensationNodeType);
    record_.error_code = reason(Field::error_code);
    record_.plan_source = text(Field::plan_source);
    record_.pipeline_id = text(Field::pipeline_id);
    record_.has_verification_reason = !reason(Field::verification_reason).empty();
    record_.has_fallback_reason = !reason(Field::fallback_reason).empty();
    const std::string_view mode = text_or<&RecordBuilder::word_of_other>(Field::execution_mode);
    const bool is_dag = mode.empty() ? !record_.run_key_is_request : is_dag_mode(mode);
    record_.population = is_dag ? Population::dag : Population::non_dag;
  }

  void read_words() {
    read_status();
    read_word(Field::compensation_status, kCompensationWords, record_.compensation);
    read_word(Field::cohort, kCohortWords, record_.cohort);
  }

  void read_status() {
    constexpr Field kField = Field::status;
    const std::string_view word = text_or<&RecordBuilder::needed_of_other>(kField);
    const auto known = value_of(kContractStatusWords, word);
    if (!known) return read_other_status(word);
    record_.status = *known;
  }

  [[gnu::noinline, gnu::cold]] void read_other_status(std::string_view word) {
    constexpr Field kField = Field::status;
    if (!has(kField)) return reject(RejectReason::missing_status, kField);
    const auto known = value_in_any_case(kStatusWords, word);
    if (!known) return reject(RejectReason::unknown_status, kField);
    record_.status = *known;
    if (record_.error_code.empty() && is_timeout(word)) record_.error_code = kTimeoutCode;
  }

  static bool is_timeout(std::string_view status) {
    return std::ranges::any_of(kTimeoutWords, [&](std::string_view word) {
      return is_same_in_any_case(word, trim_spaces(status));
    });
  }

  template <typename Enum, std::size_t kCount>
  void read_word(Field field, const std::array<Word<Enum>, kCount>& words, Enum& target) {
    const std::string_view text = text_or<&RecordBuilder::word_of_other>(field);
    target = Enum::none;
    if (text.empty()) return;
    const std::optional<Enum> known = value_of(words, text);
    target = known ? *known : other_word(field, words, text);
  }

  template <typename Enum, std::size_t kCount>
  [[gnu::noinline, gnu::cold]] Enum other_word(Field field,
                                               const std::array<Word<Enum>, kCount>& words,
                                               std::string_view text) {
    mend(field);
    const std::optional<Enum> known = value_in_any_case(words, text);
    if (!known) leave_out(field);
    return known.value_or(Enum::none);
  }

  void read_numbers() {
    record_.attempt = static_cast<std::uint32_t>(count(Field::attempt, 1, kMaxAttempt).value_or(1));
    record_.fanout_total = count(Field::fanout_total, 0, kMaxCount).value_or(0);
    record_.fanout_failed = count(Field::fanout_failed, 0, kMaxCount).value_or(0);
    record_.idempotent_reuse = flag(Field::idempotent_reuse);
    read_rare_counts();
    read_duration();
  }

  void read_duration() {
    record_.duration_ms.reset();
    if (!has(Field::duration_ms)) return;
    const double value = number(Field::duration_ms);
    // Written so that a NaN fails, too.
    if (value >= 0 && value <= std::numeric_limits<double>::max()) {
      record_.duration_ms = value;
    } else {
      leave_out(Field::duration_ms);
    }
  }

  // Most logs have none of them.
  void read_rare_counts() {
    constexpr std::uint32_t kRare =
        field_bits(Field::fanout_index, Field::tokens_in, Field::tokens_out, Field::cost_micros);
    record_.fanout_index.reset();
    record_.tokens_in.reset();
    record_.tokens_out.reset();
    record_.cost_micros.reset();
    if ((present_ & kRare) == 0) return;
    if (const auto index = count(Field::fanout_index, 0, kMaxFanoutIndex)) {
      record_.fanout_index = static_cast<std::uint32_t>(*index);
    }
    record_.tokens_in = count(Field::tokens_in, 0, kMaxCount);
    record_.tokens_out = count(Field::tokens_out, 0, kMaxCount);
    record_.cost_micros = count(Field::cost_micros, 0, kMaxCount);
  }

  void read_time() {
    constexpr Field kField = Field::created_at;
    const std::string_view text = text_or<&RecordBuilder::needed_of_other>(kField);
    if (!has(kField)) return reject(RejectReason::missing_created_at, kField);
    std::optional<TimePoint> instant = parse_time(text);
    if (!instant) instant = instant_of(raw_[kField]);
    if (!instant) return reject(RejectReason::bad_time, kField);
    record_.created_at = *instant;
    if (*instant > rules_.latest) return reject_future();
    time_ = Shown::past;
    if (rules_.created_at_marks == CreatedAtMarks::end || !record_.duration_ms) return;
    const double duration_us = std::round(*record_.duration_ms * 1000);
    // Compared before it is added: a huge duration would overflow the clock.
    if (duration_us > static_cast<double>((rules_.latest - *instant).count())) {
      return reject_future();
    }
    record_.created_at += Microseconds{static_cast<std::int64_t>(duration_us)};
  }

  [[gnu::noinline, gnu::cold]] void reject_future() {
    time_ = Shown::future;
    reject(RejectReason::future_time, Field::created_at);
  }

  // The kinds stand apart: loaded as one, they would wait for what was stored one by one.
  const RawFields& raw_;
  const std::uint32_t texts_ = raw_.kinds().texts;
  const TimeRules& rules_;
  const std::uint32_t numbers_ = raw_.kinds().numbers;
  NumberTexts& number_texts_;
  const std::uint32_t booleans_ = raw_.kinds().booleans;
  LogRecord& record_;
  const std::uint32_t present_ = raw_.present_fields();
  std::optional<RejectReason> reason_;
  Field field_ = Field::status;  // of the reason
  Shown time_ = Shown::none;
};

}  // namespace

void build_record(const RawFields& raw, const TimeRules& rules, NumberTexts& texts,
                  ReadResult& result) {
  // Every field is set below, so what the last line left need not be cleared.
  if (!std::holds_alternative<LogRecord>(result)) result.emplace<LogRecord>();
  RecordBuilder builder(raw, rules, texts, std::get<LogRecord>(result));
  if (builder.build()) result = builder.unread();
}

}  // namespace dagloop
