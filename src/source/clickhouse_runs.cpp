#include "source/clickhouse_runs.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {
namespace {

using Words = std::vector<std::pair<const char*, std::int64_t>>;

// A word's digit; 0 where there is none.
std::string clickhouse_word(const std::string& text, const Words& words, std::int64_t unknown,
                            int place) {
  std::string from = "''";
  std::string to = "0";
  for (const auto& [word, number] : words) {
    from += fmt::format(", '{}'", word);
    to += fmt::format(", {}", number << place);
  }
  return fmt::format("transform({}, [{}], [{}], {})", text, from, to, unknown << place);
}

// The upper bits of the number, as DurationHistogram::bucket_of has them. Adding 0 makes -0 a 0.
std::string clickhouse_duration(const ClickHouseExpressions& row, const std::string& column) {
  if (!row.has("duration_ms")) return "0";
  const bool may_lack = row.can_be_null("duration_ms");
  const std::string digit = fmt::format(
      "(toInt64(bitShiftRight(reinterpretAsUInt64(reinterpretAsFixedString(toFloat64({}) + 0.)), "
      "45)) + 1)",
      may_lack ? "assumeNotNull(" + column + ")" : column);
  return may_lack ? digit + " * assumeNotNull(isNotNull(" + column + "))" : digit;
}

// Whether a count is out of its range: that of any of them is that of their bits together.
std::string clickhouse_number(const ClickHouseExpressions& row) {
  std::string bad =
      fmt::format("bitShiftRight(bitOr({}, {}), 53) != 0", row.number("fanout_total", "Int64", "0"),
                  row.number("fanout_failed", "Int64", "0"));
  if (row.has("attempt")) {
    const std::string attempt = row.number("attempt", "Int64", "1");
    bad += fmt::format(" OR {0} < 1 OR {0} > {1}", attempt, kMaxAttemptText);
  }
  return fmt::format("({}) * toInt64({})", bad, std::int64_t{1} << packed::kBadNumber);
}

std::string clickhouse_node(const ClickHouseExpressions& row) {
  if (!row.has("node_id")) return "0";
  return fmt::format("({} != '' AND {} != 'pipeline') * toInt64({})", row.text("node_id"),
                     row.text("node_type"), std::int64_t{1} << packed::kNode);
}

std::string clickhouse_time(const LogQuery& query) {
  const std::string usual =
      fmt::format("{} + {}", clickhouse_span("at", query), packed::kFirstSpan);
  return fmt::format("if(at = 0, 0, if(at > {}, {}, {})) * toInt64({})",
                     clickhouse_micros(query.latest), packed::kFutureTime, usual,
                     std::int64_t{1} << packed::kTime);
}

// One row of the table, in what it is grouped by and what is counted of it.
std::string clickhouse_packed_rows(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query) {
  const ClickHouseExpressions row(table, mapping);
  const Words statuses{{"succeeded", 1}, {"success", 1},         {"ok", 1},          {"failed", 2},
                       {"error", 2},     {"manual_required", 3}, {"cancelled", 4},   {"skipped", 5},
                       {"running", 6},   {"pending", 7},         {"compensating", 8}};
  const Words compensations{
      {"not_required", 1}, {"completed", 2}, {"failed", 3}, {"manual_required", 4}};
  return fmt::format(
      "SELECT {at} AS at, {status} + {cohort} + {compensation} + {number} + {node} + {duration} AS "
      "digits, {run} = '' AS no_run, {request} = '' AS no_request, transform({mode}, ['dag', "
      "'pipeline_dag', ''], [0, 0, 2], 1) AS mode, {plan} AS plan, {code} AS code, {verification} "
      "!= '' AS unverified, {fallback} != '' AS fallback, {reused} AS reused, {failed} AS failed, "
      "{total} AS total FROM {table}{filter}",
      fmt::arg("at", row.at()),
      fmt::arg("status", clickhouse_word(row.text("status"), statuses, packed::kUnknownStatus,
                                         packed::kStatus)),
      fmt::arg("cohort", clickhouse_word(row.text("cohort"), {{"canary", 1}, {"control", 2}},
                                         packed::kUnknownCohort, packed::kCohort)),
      fmt::arg("compensation",
               clickhouse_word(row.text("compensation_status"), compensations,
                               packed::kUnknownCompensation, packed::kCompensation)),
      fmt::arg("number", clickhouse_number(row)), fmt::arg("node", clickhouse_node(row)),
      fmt::arg("duration", clickhouse_duration(
                               row, clickhouse_name(clickhouse_column_of(mapping, "duration_ms")))),
      fmt::arg("run", row.text("pipeline_run_id")), fmt::arg("request", row.text("request_id")),
      fmt::arg("mode", row.text("execution_mode")), fmt::arg("plan", row.text("plan_source")),
      fmt::arg("code", row.text("error_code")),
      fmt::arg("verification", row.text("verification_reason")),
      fmt::arg("fallback", row.text("fallback_reason")),
      fmt::arg("reused", row.number("idempotent_reuse", "UInt8", "0") + " != 0"),
      fmt::arg("failed", row.number("fanout_failed", "Int64", "0")),
      fmt::arg("total", row.number("fanout_total", "Int64", "0")), fmt::arg("table", table.local),
      fmt::arg("filter", clickhouse_time_filter(table, mapping, query)));
}

}  // namespace

std::string clickhouse_packed_runs(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query) {
  const std::string kind = fmt::format(
      "digits + (mode = 1 OR mode = 2 AND no_run) * toInt64({}) + (no_run AND no_request) * "
      "toInt64({}) + {}",
      std::int64_t{1} << packed::kPopulation, std::int64_t{1} << packed::kNoKey,
      clickhouse_time(query));
  // Sums of what is out of its range mean nothing, and may not fit.
  const std::string is_good =
      fmt::format("bitAnd(digits_of_all, {}) = 0", std::int64_t{1} << packed::kBadNumber);
  return clickhouse_answer(
             "packed", {"digits_of_all", "0", "0", "plan", "code", "0"},
             {"runs", "unverified_runs", "fallback_runs", "reused_runs",
              "if(" + is_good + ", failed_items, 0)", "if(" + is_good + ", items, 0)", "newest"}) +
         fmt::format(
             " FROM (SELECT {} AS digits_of_all, plan, code, count() AS runs, sum(unverified) AS "
             "unverified_runs, sum(fallback) AS fallback_runs, sum(reused) AS reused_runs, "
             "sum(failed) AS failed_items, sum(total) AS items, max(at) AS newest FROM ({}) GROUP "
             "BY digits_of_all, plan, code)",
             kind, clickhouse_packed_rows(table, mapping, query));
}

}  // namespace dagloop
