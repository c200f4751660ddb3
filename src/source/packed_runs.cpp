#include "source/packed_runs.hpp"

#include <optional>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::int64_t kFinalStatuses = 5;

std::int64_t digit(std::int64_t kind, int place, int bits) {
  return kind >> place & ((std::int64_t{1} << bits) - 1);
}

// In the order of build_record().
std::optional<RejectReason> reason_of(std::int64_t kind) {
  using namespace packed;
  const std::int64_t duration = digit(kind, kDuration, 20) - 1;
  const bool has_duration = duration >= 0;
  const std::int64_t time = kind >> kTime;
  const std::int64_t status = digit(kind, kStatus, 4);
  if (has_duration && (duration >> 7 & 0x7ff) == 0x7ff) return RejectReason::wrong_type;
  if (time == 0) return RejectReason::missing_created_at;
  if (status == 0) return RejectReason::missing_status;
  if (digit(kind, kNoKey, 1) != 0) return RejectReason::missing_run_id;
  if (status == kUnknownStatus) return RejectReason::unknown_status;
  if (digit(kind, kCohort, 2) == kUnknownCohort ||
      digit(kind, kCompensation, 3) == kUnknownCompensation) {
    return RejectReason::unknown_value;
  }
  if (time == kBadTime) return RejectReason::bad_time;
  if ((has_duration && duration >> 18 != 0) || digit(kind, kBadNumber, 1) != 0)
    return RejectReason::bad_number;
  if (time == kFutureTime) return RejectReason::future_time;
  return std::nullopt;
}

PartialRow run_row(const PackedRuns& packed, const LogQuery& query) {
  const std::int64_t kind = packed.kind;
  PartialRow row;
  row.slot = slot_of_span((kind >> packed::kTime) - packed::kFirstSpan, query);
  row.population = digit(kind, packed::kPopulation, 1) == 0 ? Population::dag : Population::non_dag;
  row.cohort = static_cast<Cohort>(digit(kind, packed::kCohort, 2));
  const std::int64_t status = digit(kind, packed::kStatus, 4);
  if (status > kFinalStatuses) {
    row.n[2] = packed.runs;  // in flight
    return row;
  }
  const std::int64_t compensation = digit(kind, packed::kCompensation, 3);
  const bool is_manual = status == 3 || compensation == 4;
  row.name = packed.plan_source;
  row.error_code = packed.error_code;
  const std::int64_t duration = digit(kind, packed::kDuration, 20);
  if (duration > 0) row.bucket = static_cast<std::int32_t>(duration - 1);
  row.n = {packed.runs,
           status == 1 ? packed.runs : 0,
           0,
           0,
           packed.unverified,
           packed.fallback,
           compensation >= 3 ? packed.runs : 0,
           compensation >= 2 ? packed.runs : 0,
           is_manual ? packed.runs : 0,
           packed.reused,
           packed.fanout_failed,
           packed.fanout_total};
  return row;
}

}  // namespace

void add_packed(const PackedRuns& packed, const LogQuery& query, const RowSink& sink) {
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
  input.n[is_node ? 1 : 0] = packed.runs;
  input.n[3] = packed.newest_us;
  sink(input);
  if (!is_node) sink(run_row(packed, query));
}

}  // namespace dagloop
