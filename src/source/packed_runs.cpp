#include "source/packed_runs.hpp"

#include <optional>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

std::int64_t digit(std::int64_t kind, int place, int bits) {
  return kind >> place & ((std::int64_t{1} << bits) - 1);
}

bool applies(RejectReason reason, std::int64_t kind) {
  using namespace packed;
  const std::int64_t duration = digit(kind, kDuration, 20) - 1;
  const bool has_duration = duration >= 0;
  const std::int64_t time = kind >> kTime;
  const std::int64_t status = digit(kind, kStatus, 4);
  switch (reason) {
    case RejectReason::wrong_type:
      // The digit holds a double's sign, exponent and first 7 bits. An exponent of all ones is
      // infinity or NaN; bit 18 is the sign.
      return has_duration && (duration >> 7 & 0x7ff) == 0x7ff;
    case RejectReason::missing_created_at:
      return time == 0;
    case RejectReason::missing_status:
      return status == 0;
    case RejectReason::missing_run_id:
      return digit(kind, kNoKey, 1) != 0;
    case RejectReason::unknown_status:
      return status == kUnknownStatus;
    case RejectReason::unknown_value:
      return digit(kind, kCohort, 2) == kUnknownCohort ||
             digit(kind, kCompensation, 3) == kUnknownCompensation;
    case RejectReason::bad_time:
      return time == kBadTime;
    case RejectReason::bad_number:
      return (has_duration && duration >> 18 != 0) || digit(kind, kBadNumber, 1) != 0;
    case RejectReason::future_time:
      return time == kFutureTime;
    case RejectReason::not_json_object:
    case RejectReason::line_too_long:
      break;  // of a line, not of a row
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

// What final runs of a kind count as.
RowCounts counts_of(const PackedRuns& packed, PackedUse use) {
  const std::int64_t status = digit(packed.kind, packed::kStatus, 4);
  const std::int64_t compensation = digit(packed.kind, packed::kCompensation, 3);
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
  set(&KpiPartial::total_runs, packed.runs);
  set_runs(&KpiPartial::succeeded, status == packed::digit_of(Status::succeeded));
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
  return n;
}

PartialRow run_row(const PackedRuns& packed, PackedUse use, const LogQuery& query) {
  const std::int64_t kind = packed.kind;
  PartialRow row;
  row.slot = slot_of_span((kind >> packed::kTime) - packed::kFirstSpan, query);
  row.population = digit(kind, packed::kPopulation, 1) == 0 ? Population::dag : Population::non_dag;
  row.cohort = static_cast<Cohort>(digit(kind, packed::kCohort, 2));
  if (digit(kind, packed::kStatus, 4) > packed::kLastFinal) {
    row.n[place_of(&KpiPartial::in_flight)] = packed.runs;
  } else {
    row.name = packed.plan_source;
    row.error_code = packed.error_code;
    const std::int64_t duration = digit(kind, packed::kDuration, 20);
    if (duration > 0) row.bucket = static_cast<std::int32_t>(duration - 1);
    row.n = counts_of(packed, use);
  }
  if (use == PackedUse::lost) {
    // All rows were counted as runs, duplicates too; those that do not stand are taken away here.
    for (std::int64_t& count : row.n) count = -count;
  }
  return row;
}

PartialRow partial_row(const AnswerRow& answer, const LogQuery& query) {
  PartialRow row;
  row.kind = parse_row_kind(answer.word);
  row.slot = slot_of_span(answer.number, query);
  row.population = answer.population == 0 ? Population::dag : Population::non_dag;
  row.cohort = static_cast<Cohort>(answer.cohort);
  row.name = answer.name;
  row.error_code = answer.error_code;
  if (answer.bucket >= 0) row.bucket = static_cast<std::int32_t>(answer.bucket);
  std::ranges::copy(answer.n, row.n.begin());
  return row;
}

}  // namespace

std::string packed::bad_statuses() {
  std::string list;
  for (const Word<Status>& word : kStatusWords) {
    if (!ended_badly(word.value) || word.text != word_of(kStatusWords, word.value)) continue;
    list += (list.empty() ? "" : ", ") + std::to_string(digit_of(word.value));
  }
  return list;
}

void add_packed(const PackedRuns& packed, PackedUse use, const LogQuery& query,
                const RowSink& sink) {
  // Digits add up below bit 63; a negative number means that two of them have met.
  if (packed.kind < 0) {
    throw Error(ErrorKind::source, "the database's answer",
                "a group of runs has the number " + std::to_string(packed.kind),
                "this is a fault of dagloop or of a changed table: report it with its columns");
  }
  if (const auto reason = reason_of(packed.kind)) {
    PartialRow reject;
    reject.kind = RowKind::reject;
    reject.n[0] = packed.runs;
    reject.n[1] = static_cast<std::int64_t>(*reason);
    return sink(reject);
  }
  const bool is_node = digit(packed.kind, packed::kNode, 1) != 0;
  PartialRow input;
  input.kind = RowKind::input;
  input.n[3] = -1;
  if (use == PackedUse::rows) {
    input.n[is_node ? 1 : 0] = packed.runs;
    input.n[3] = packed.newest_us;
  } else if (use == PackedUse::lost) {
    input.n[2] = packed.runs;
  }
  // Derived runs were not read from a record of their own.
  if (use != PackedUse::derived) sink(input);
  if (!is_node) sink(run_row(packed, use, query));
}

void add_answer(const AnswerRow& answer, const LogQuery& query, const RowSink& sink) {
  const auto use = value_of(kPackedWords, answer.word);
  if (!use) return sink(partial_row(answer, query));
  PackedRuns packed;
  packed.kind = answer.number;
  packed.plan_source = answer.name;
  packed.error_code = answer.error_code;
  for (std::size_t i = 0; i < kPackedCounts.size(); ++i) packed.*kPackedCounts[i] = answer.n[i];
  add_packed(packed, *use, query, sink);
}

}  // namespace dagloop
