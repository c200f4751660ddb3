#include "source/packed_runs.hpp"

#include <algorithm>
#include <optional>

#include "dagloop/base/error.hpp"
#include "dagloop/base/label.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

std::int64_t digit(std::int64_t kind, int place, int bits) {
  return kind >> place & ((std::int64_t{1} << bits) - 1);
}

bool applies(RejectReason reason, std::int64_t kind) {
  using namespace packed;
  const std::int64_t time = kind >> kTime;
  const std::int64_t status = digit(kind, kStatus, 4);
  switch (reason) {
    case RejectReason::missing_created_at:
      return time == 0;
    case RejectReason::missing_status:
      return status == 0;
    case RejectReason::missing_run_id:
      return digit(kind, kNoKey, 1) != 0;
    case RejectReason::unknown_status:
      return status == kUnknownStatus;
    case RejectReason::bad_time:
      return time == kBadTime;
    case RejectReason::future_time:
      return time == kFutureTime;
    case RejectReason::wrong_type:
    case RejectReason::unknown_value:
    case RejectReason::bad_number:
    case RejectReason::not_json_object:
    case RejectReason::line_too_long:
      break;  // of a line, not of a row of columns that are counted
  }
  return false;
}

std::optional<RejectReason> reason_of(std::int64_t kind) {
  // In the order in which a line of a file is judged: of one row both sources tell the same reason.
  for (const RejectReason reason : kRejectOrder) {
    if (applies(reason, kind)) return reason;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_number(const char* what, std::int64_t number) {
  throw Error(ErrorKind::source, "the database's answer", what + std::to_string(number),
              "this is a fault of dagloop or of a changed table: report it with its columns");
}

Cohort cohort_in(std::int64_t digit) {
  if (digit < 0 || digit > packed::digit_of(Cohort::control)) {
    refuse_number("no cohort has the number ", digit);
  }
  return static_cast<Cohort>(digit);
}

Cohort cohort_of(std::int64_t kind) {
  return cohort_in(digit(kind, packed::kCohort, 3) % packed::kMendedCohort);
}

std::int64_t status_of(std::int64_t kind) {
  const std::int64_t status = digit(kind, packed::kStatus, 4);
  return status == packed::kTimedOut ? packed::digit_of(Status::failed) : status;
}

// The bucket of a duration, which has to be a number of 0 or more.
std::optional<std::int32_t> bucket_of(std::int64_t kind) {
  const std::int64_t duration = digit(kind, packed::kDuration, 20);
  if (duration == 0 || duration >= packed::kNotFinite) return std::nullopt;
  return static_cast<std::int32_t>(duration - 1);
}

std::uint32_t mended_in(const PackedRuns& packed) {
  auto fields = static_cast<std::uint32_t>(packed.mended);
  const std::int64_t duration = digit(packed.kind, packed::kDuration, 20);
  // Above the infinity with the sign stands what is no number: to be absent is its plain meaning.
  const bool is_negative =
      duration >= packed::kNegative && (duration - packed::kNegative) < packed::kNotFinite - 1;
  if (is_negative) fields |= field_bits(Field::duration_ms);
  if (digit(packed.kind, packed::kCohort, 3) >= packed::kMendedCohort) {
    fields |= field_bits(Field::cohort);
  }
  if (digit(packed.kind, packed::kCompensation, 4) >= packed::kMendedCompensation) {
    fields |= field_bits(Field::compensation_status);
  }
  return fields;
}

// The decisive fields that are there, but have no value. Of settled runs the database tells them.
UnreadBits unread_in(const PackedRuns& packed, PackedUse use) {
  if (use != PackedUse::rows) return static_cast<UnreadBits>(packed.mended);
  UnreadBits unread = 0;
  const std::uint32_t mended = mended_in(packed);
  const auto add = [&](Field field, bool has_value) {
    const bool is_mended = (mended & field_bits(field)) != 0;
    if (is_mended && !has_value) unread = static_cast<UnreadBits>(unread | unread_bit(field));
  };
  add(Field::cohort, cohort_of(packed.kind) != Cohort::none);
  add(Field::compensation_status,
      digit(packed.kind, packed::kCompensation, 4) % packed::kMendedCompensation != 0);
  add(Field::execution_mode, false);
  add(Field::duration_ms, bucket_of(packed.kind).has_value());
  const bool is_not_finite = digit(packed.kind, packed::kDuration, 20) >= packed::kNotFinite;
  if (is_not_finite) unread = static_cast<UnreadBits>(unread | unread_bit(Field::duration_ms));
  return unread;
}

// Whether runs may be of the canary for all that can be read.
bool may_be_canary(const PackedRuns& packed, UnreadBits unread) {
  const bool is_dag = digit(packed.kind, packed::kPopulation, 1) == 0;
  if (!is_dag) return (unread & unread_bit(Field::execution_mode)) != 0;
  return cohort_of(packed.kind) != Cohort::canary && (unread & unread_bit(Field::cohort)) != 0;
}

// What final runs of a kind count as.
RowCounts counts_of(const PackedRuns& packed, PackedUse use) {
  const std::int64_t status = status_of(packed.kind);
  const std::int64_t compensation =
      digit(packed.kind, packed::kCompensation, 4) % packed::kMendedCompensation;
  const bool is_manual = status == packed::digit_of(Status::manual_required) ||
                         compensation == packed::digit_of(CompensationStatus::manual_required) ||
                         digit(packed.kind, packed::kManual, 1) != 0;
  RowCounts n{};
  const auto set = [&](std::uint64_t KpiPartial::*count, std::int64_t value) {
    n.at(place_of(count)) = value;
  };
  const auto set_runs = [&](std::uint64_t KpiPartial::*count, bool counts) {
    set(count, counts ? packed.runs : 0);
  };
  const bool succeeded = status == packed::digit_of(Status::succeeded);
  set(&KpiPartial::total_runs, packed.runs);
  set_runs(&KpiPartial::succeeded, succeeded);
  set(&KpiPartial::succeeded_unaided, succeeded ? packed.runs - packed.fallback : 0);
  set_runs(&KpiPartial::cancelled_runs, status == packed::digit_of(Status::cancelled));
  set_runs(&KpiPartial::derived_runs, use == PackedUse::derived);
  set(&KpiPartial::verification_failed, packed.unverified);
  set(&KpiPartial::fallback, packed.fallback);
  set_runs(&KpiPartial::compensation_failed,
           compensation >= packed::digit_of(CompensationStatus::failed));
  set_runs(&KpiPartial::compensation_total,
           compensation >= packed::digit_of(CompensationStatus::completed));
  set_runs(&KpiPartial::manual_required, is_manual);
  set(&KpiPartial::idempotent_reuse, packed.reused);
  set(&KpiPartial::fanout_failed, packed.fanout_failed);
  set(&KpiPartial::fanout_total, packed.fanout_total);
  set(&KpiPartial::tokens, packed.tokens);
  set(&KpiPartial::runs_with_tokens, packed.with_tokens);
  set(&KpiPartial::cost_micros, packed.cost);
  set(&KpiPartial::runs_with_cost, packed.with_cost);
  const UnreadBits unread = unread_in(packed, use);
  set_runs(&KpiPartial::unread_durations, (unread & unread_bit(Field::duration_ms)) != 0);
  set_runs(&KpiPartial::unread_codes, !succeeded && (unread & unread_bit(Field::error_code)) != 0);
  set_runs(&KpiPartial::unread_compensations,
           (unread & unread_bit(Field::compensation_status)) != 0);
  return n;
}

// Fills in a run that is over.
void fill_final(const PackedRuns& packed, PackedUse use, const CountScope& scope, PartialRow& row) {
  const std::int64_t status = status_of(packed.kind);
  const bool is_cancelled = status == packed::digit_of(Status::cancelled);
  if (status == packed::digit_of(Status::skipped)) {
    row.n[place_of(&KpiPartial::skipped_runs)] = packed.runs;
  } else if (is_cancelled && scope.rules.cancelled == Cancelled::excluded) {
    row.n[place_of(&KpiPartial::cancelled_runs)] = packed.runs;
  } else {
    row.name = label_of_name(packed.plan_source);
    row.pipeline = label_of_name(packed.pipeline);
    const bool is_timeout = digit(packed.kind, packed::kStatus, 4) == packed::kTimedOut;
    std::string_view code = packed.error_code;
    if (code.empty() && is_timeout) code = kTimeoutCode;
    if (!code.empty()) row.code = scope.classes.label(code);
    row.bucket = bucket_of(packed.kind);
    row.n = counts_of(packed, use);
  }
}

bool is_selected(const std::string& pipeline, const CountingRules& rules) {
  return rules.pipelines.empty() ||
         std::ranges::any_of(rules.pipelines, [&](const std::string& each) {
           return redact_label(each) == redact_label(pipeline);
         });
}

void add_run(const PackedRuns& packed, PackedUse use, const CountScope& scope,
             const RowSink& sink) {
  if (!is_selected(packed.pipeline, scope.rules)) return;
  const std::int64_t kind = packed.kind;
  PartialRow row;
  row.slot = slot_of_span((kind >> packed::kTime) - packed::kFirstSpan, scope.query);
  row.population = digit(kind, packed::kPopulation, 1) == 0 ? Population::dag : Population::non_dag;
  row.cohort = cohort_of(kind);
  if (status_of(kind) > packed::kLastFinal) {
    row.n[place_of(&KpiPartial::in_flight)] = packed.runs;
    row.open_us = packed.open_us;
    row.name = label_of_name(packed.plan_source);
    row.pipeline = label_of_name(packed.pipeline);
  } else {
    row.age = AgeClass(static_cast<std::uint8_t>(digit(kind, packed::kAge, 4)));
    fill_final(packed, use, scope, row);
  }
  const bool is_hidden = status_of(kind) != packed::digit_of(Status::skipped) &&
                         may_be_canary(packed, unread_in(packed, use));
  PartialRow hidden;
  hidden.slot = row.slot;
  hidden.n[place_of(&KpiPartial::unread_runs)] = packed.runs;
  for (PartialRow* each : {&row, &hidden}) {
    if (each == &hidden && !is_hidden) continue;
    if (use == PackedUse::lost || use == PackedUse::poorer) {
      for (std::int64_t& count : each->n) count = -count;
    }
    sink(*each);
  }
}

// Where the rows lie; those without a time of the range at its end.
TimePoint place_in_range(std::int64_t kind, const LogQuery& query) {
  const std::int64_t time = kind >> packed::kTime;
  if (time >= packed::kFirstSpan) return slot_of_span(time - packed::kFirstSpan, query);
  return query.range.end - Microseconds{1};
}

void add_lines(const PackedRuns& packed, bool could_be_read, const CountScope& scope,
               const RowSink& sink) {
  if (packed.kind >> packed::kTime == packed::kAside) return;
  PartialRow lines;
  lines.kind = RowKind::lines;
  lines.slot = place_in_range(packed.kind, scope.query);
  lines.cohort = cohort_of(packed.kind);
  lines.n[0] = packed.runs;
  lines.n[1] = could_be_read ? 0 : packed.runs;
  lines.n[2] = packed.kind >> packed::kTime < packed::kAside ? packed.runs : 0;
  sink(lines);
}

void add_reject(const PackedRuns& packed, RejectReason reason, const CountScope& scope,
                const RowSink& sink) {
  PartialRow reject;
  reject.kind = RowKind::reject;
  reject.n[0] = packed.runs;
  reject.n[1] = static_cast<std::int64_t>(reason);
  reject.n[2] = packed.kind >> packed::kTime >= packed::kFirstSpan ? packed.newest_us : -1;
  sink(reject);
  add_lines(packed, false, scope, sink);
}

// What was read of a table.
void add_read(const PackedRuns& packed, const CountScope& scope, const RowSink& sink) {
  const bool is_aside = packed.kind >> packed::kTime == packed::kAside;
  PartialRow input;
  input.kind = RowKind::input;
  input.n[digit(packed.kind, packed::kNode, 1) != 0 ? 1 : 0] = packed.runs;
  input.n[3] = is_aside ? -1 : packed.newest_us;
  input.n[4] = is_aside ? packed.runs : 0;
  sink(input);
  add_lines(packed, true, scope, sink);
  const std::uint32_t fields = mended_in(packed);
  for (std::size_t i = 0; fields != 0 && i < kFieldCount; ++i) {
    if ((fields >> i & 1U) == 0) continue;
    PartialRow mended;
    mended.kind = RowKind::mended;
    mended.n[0] = packed.runs;
    mended.n[1] = static_cast<std::int64_t>(i);
    sink(mended);
  }
}

PartialRow partial_row(const AnswerRow& answer, const CountScope& scope) {
  PartialRow row;
  row.kind = parse_row_kind(answer.word);
  row.slot = slot_of_span(answer.number, scope.query);
  row.population = answer.population == 0 ? Population::dag : Population::non_dag;
  row.cohort = cohort_in(answer.cohort);
  row.age = AgeClass(static_cast<std::uint8_t>(answer.mended & AgeClass::kLast));
  row.name = label_of_name(answer.name);
  // Attempts have the plan source of their run there.
  if (row.kind == RowKind::node) {
    row.code.label = label_of_name(answer.error_code);
  } else if (!answer.error_code.empty()) {
    row.code = scope.classes.label(answer.error_code);
  }
  row.pipeline = label_of_name(answer.pipeline);
  if (answer.bucket >= 0) row.bucket = static_cast<std::int32_t>(answer.bucket);
  std::ranges::copy(answer.n, row.n.begin());
  return row;
}

// Runs and attempts that could not be read.
PartialRow unread_row(const AnswerRow& answer, const LogQuery& query) {
  PartialRow row;
  row.slot = slot_of_span(answer.number, query);
  row.population = answer.population == 0 ? Population::dag : Population::non_dag;
  row.cohort = cohort_in(answer.cohort);
  row.n[place_of(&KpiPartial::unread_runs)] = answer.n[0];
  row.n[place_of(&KpiPartial::unread_attempts)] = answer.n[1];
  return row;
}

}  // namespace

void add_packed(const PackedRuns& packed, PackedUse use, const CountScope& scope,
                const RowSink& sink) {
  // Digits add up below bit 63; a negative number means that two of them have met.
  if (packed.kind < 0) refuse_number("a group of runs has the number ", packed.kind);
  if (const auto reason = reason_of(packed.kind)) return add_reject(packed, *reason, scope, sink);
  if (use == PackedUse::rows) add_read(packed, scope, sink);
  if (use == PackedUse::lost) {
    PartialRow input;
    input.kind = RowKind::input;
    input.n[2] = packed.runs;
    input.n[3] = -1;
    sink(input);
  }
  const bool is_run = digit(packed.kind, packed::kNode, 1) == 0;
  if (is_run && packed.kind >> packed::kTime != packed::kAside) add_run(packed, use, scope, sink);
}

void add_answer(const AnswerRow& answer, const CountScope& scope, const RowSink& sink) {
  if (answer.word == kUnreadWord) return sink(unread_row(answer, scope.query));
  const auto use = value_of(kPackedWords, answer.word);
  if (!use) return sink(partial_row(answer, scope));
  PackedRuns packed;
  packed.kind = answer.number;
  packed.plan_source = answer.name;
  packed.error_code = answer.error_code;
  packed.pipeline = answer.pipeline;
  packed.mended = answer.mended;
  packed.open_us = answer.open_us;
  for (std::size_t i = 0; i < kPackedCounts.size(); ++i) packed.*kPackedCounts[i] = answer.n[i];
  add_packed(packed, *use, scope, sink);
}

}  // namespace dagloop
