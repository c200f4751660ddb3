#include "source/clickhouse_runs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "source/packed_runs.hpp"

namespace dagloop {
namespace {

std::string duration_of(const ClickHouseExpressions& row, const std::string& column) {
  if (!row.has(Field::duration_ms)) return "0";
  if (!row.can_be_null(Field::duration_ms)) return clickhouse_duration(column);
  return clickhouse_duration("assumeNotNull(" + column + ")") + " * assumeNotNull(isNotNull(" +
         column + "))";
}

// Whether a count is out of its range: that of any of them is that of their bits together.
std::string clickhouse_number(const ClickHouseExpressions& row) {
  std::string bad = fmt::format("bitShiftRight(bitOr({}, {}), 53) != 0",
                                row.number(Field::fanout_total, "Int64", "0"),
                                row.number(Field::fanout_failed, "Int64", "0"));
  if (row.has(Field::attempt)) {
    const std::string attempt = row.number(Field::attempt, "Int64", "1");
    bad += fmt::format(" OR {0} < 1 OR {0} > {1}", attempt, kMaxAttempt);
  }
  return fmt::format("({}) * toInt64({})", bad, std::int64_t{1} << packed::kBadNumber);
}

std::string clickhouse_node(const ClickHouseExpressions& row) {
  if (!row.has(Field::node_id)) return "0";
  return fmt::format("({} != '' AND {} != '{}') * toInt64({})", row.text(Field::node_id),
                     row.text(Field::node_type), kRunNodeType, std::int64_t{1} << packed::kNode);
}

std::string clickhouse_time(const LogQuery& query) {
  const std::string usual =
      fmt::format("{} + {}", clickhouse_span("at", query), packed::kFirstSpan);
  return fmt::format("if(at = 0, 0, if(at > {}, {}, {})) * toInt64({})",
                     clickhouse_micros(query.latest), packed::kFutureTime, usual,
                     std::int64_t{1} << packed::kTime);
}

// 0 where the path is that of DAGs, 1 where it is another one, 2 where none is named.
std::string mode_of(const ClickHouseExpressions& row) {
  const std::vector<int> dags(kDagModes.size(), 0);
  return fmt::format("transform({}, [{}, ''], [{}, 2], 1)", row.text(Field::execution_mode),
                     clickhouse_dag_modes(), fmt::join(dags, ", "));
}

// One row of the table, in what it is grouped by and what is counted of it.
std::string clickhouse_packed_rows(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query) {
  const ClickHouseExpressions row(table, mapping);
  return fmt::format(
      "SELECT {at} AS at, {status} + {cohort} + {compensation} + {number} + {node} + {duration} AS "
      "digits, {run} = '' AS no_run, {request} = '' AS no_request, {mode} AS mode, "
      "{plan} AS plan, {code} AS code, {verification} != '' AS unverified, {fallback} != '' AS "
      "fallback, {reused} AS reused, {failed} AS failed, "
      "{total} AS total FROM {table}{filter}",
      fmt::arg("at", row.at()),
      fmt::arg("status", clickhouse_word(row.text(Field::status), packed::digits_of(kStatusWords),
                                         packed::kUnknownStatus, packed::kStatus)),
      fmt::arg("cohort", clickhouse_word(row.text(Field::cohort), packed::digits_of(kCohortWords),
                                         packed::kUnknownCohort, packed::kCohort)),
      fmt::arg("compensation",
               clickhouse_word(row.text(Field::compensation_status),
                               packed::digits_of(kCompensationWords), packed::kUnknownCompensation,
                               packed::kCompensation)),
      fmt::arg("number", clickhouse_number(row)), fmt::arg("node", clickhouse_node(row)),
      fmt::arg("duration", duration_of(row, clickhouse_name(clickhouse_column_of(
                                                mapping, Field::duration_ms)))),
      fmt::arg("run", row.text(Field::pipeline_run_id)),
      fmt::arg("request", row.text(Field::request_id)), fmt::arg("mode", mode_of(row)),
      fmt::arg("plan", row.text(Field::plan_source)), fmt::arg("code", row.text(Field::error_code)),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.number(Field::idempotent_reuse, "UInt8", "0")),
      fmt::arg("failed", row.number(Field::fanout_failed, "Int64", "0")),
      fmt::arg("total", row.number(Field::fanout_total, "Int64", "0")),
      fmt::arg("table", table.local),
      fmt::arg("filter", clickhouse_time_filter(table, mapping, query)));
}

// The answer's rows of packed ones.
std::string packed_answer(PackedUse use, const std::string& kind, const std::string& rows) {
  // Sums of what is out of its range mean nothing, and may not fit.
  const std::string is_good =
      fmt::format("bitAnd(digits_of_all, {}) = 0", std::int64_t{1} << packed::kBadNumber);
  return clickhouse_answer(
             std::string(word_of(kPackedWords, use)),
             {"digits_of_all", "0", "0", "plan", "code", "0"},
             {"runs", "unverified_runs", "fallback_runs", "reused_runs",
              "if(" + is_good + ", failed_items, 0)", "if(" + is_good + ", items, 0)", "newest"}) +
         fmt::format(
             " FROM (SELECT {} AS digits_of_all, plan, code, count() AS runs, sum(unverified) AS "
             "unverified_runs, sum(fallback) AS fallback_runs, sum(reused != 0) AS reused_runs, "
             "sum(failed) AS failed_items, sum(total) AS items, max(at) AS newest FROM ({}) GROUP "
             "BY digits_of_all, plan, code)",
             kind, rows);
}

}  // namespace

std::string clickhouse_packed_runs(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query) {
  const std::string kind = fmt::format(
      "digits + (mode = 1 OR mode = 2 AND no_run) * toInt64({}) + (no_run AND no_request) * "
      "toInt64({}) + {}",
      std::int64_t{1} << packed::kPopulation, std::int64_t{1} << packed::kNoKey,
      clickhouse_time(query));
  return packed_answer(PackedUse::rows, kind, clickhouse_packed_rows(table, mapping, query));
}

std::string clickhouse_packed_settled(PackedUse use, const std::string& runs,
                                      const LogQuery& query) {
  const auto digit = [](const char* value, int place) {
    return fmt::format("{} * toInt64({})", value, std::int64_t{1} << place);
  };
  const std::string kind = fmt::format(
      "{} + {} + {} + {} + {} + if(duration < 0, toInt64(0), {}) + {}",
      digit("status", packed::kStatus), digit("cohort", packed::kCohort),
      digit("compensation", packed::kCompensation), digit("population", packed::kPopulation),
      digit("manual", packed::kManual), clickhouse_duration("duration"), clickhouse_time(query));
  return packed_answer(
      use, kind, "SELECT *, fanout_failed AS failed, fanout_total AS total FROM (" + runs + ")");
}

}  // namespace dagloop
