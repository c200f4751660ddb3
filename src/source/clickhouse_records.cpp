#include <fmt/format.h>

#include "source/clickhouse_expressions.hpp"
#include "source/clickhouse_runs.hpp"

namespace dagloop {
namespace {

// Whether a row is a record.
std::string is_valid(const LogQuery& query) {
  return fmt::format("NOT (at = 0 OR status_digit IN (0, {}) OR key = '' OR at > {})",
                     packed::kUnknownStatus, clickhouse_micros(query.latest));
}

// A row of a table in the words of the contract, but for what is worked out of its digits.
std::vector<ClickHouseValue> words_of(const ClickHouseTable& table, const Mapping& mapping) {
  const ClickHouseExpressions row(table, mapping);
  const std::string prefix = clickhouse_prefix(table);
  const std::string run = row.text(Field::pipeline_run_id);
  const std::string type = row.text(Field::node_type);
  const std::string mode = row.text(Field::execution_mode);
  const std::string duration = prefix + "raw_duration";
  return {
      {"h", row.hash()},
      {"at", row.at()},
      {"is_request", run + " = ''"},
      {"key", fmt::format("if({0} = '', {1}, {0})", run, row.text(Field::request_id))},
      {"node", fmt::format("if({} = '{}', '', {})", type, kRunNodeType, row.text(Field::node_id))},
      {"item", row.count(Field::fanout_index, -1)},
      {"undoes",
       fmt::format("{}node != '' AND lower({}) = '{}'", prefix, type, kCompensationNodeType)},
      {"attempt", row.count(Field::attempt, 1)},
      {"status_digit", row.word(Field::status, packed::status_form(0))},
      {"raw_code", row.text(Field::error_code)},
      {"is_upstream", fmt::format("lower({}raw_code) = '{}'", prefix, kUpstreamFailedCode)},
      {"plan", row.text(Field::plan_source)},
      {"pipeline", row.text(Field::pipeline_id)},
      {"compensation",
       fmt::format("toUInt8({} % {})",
                   row.word(Field::compensation_status, packed::compensation_form(0)),
                   packed::kMendedCompensation)},
      {"population", fmt::format("toUInt8(if({0} = '', {1} = '', lower({0}) NOT IN ({2})))", mode,
                                 run, clickhouse_dag_modes())},
      {"cohort_digit", row.word(Field::cohort, packed::cohort_form(0))},
      {"unverified", row.text(Field::verification_reason) + " != ''"},
      {"fallback", row.text(Field::fallback_reason) + " != ''"},
      {"reused", row.truth(Field::idempotent_reuse)},
      {"raw_duration", row.number(Field::duration_ms)},
      {"duration", fmt::format("if({0} >= 0 AND NOT isInfinite({0}), {0}, -1.)", duration)},
      {"fanout_total", row.count(Field::fanout_total, 0)},
      {"fanout_failed", row.count(Field::fanout_failed, 0)},
      {"tokens", row.tokens()},
      {"has_tokens", row.has_tokens()},
      {"cost", row.count(Field::cost_micros, 0)},
      {"has_cost", row.is_count(Field::cost_micros)},
      {"unread", row.unread(duration)}};
}

// The rows of a table in the words of the contract.
std::string counted_rows(const ClickHouseTable& table, const CountScope& scope) {
  const std::string words =
      clickhouse_values(table, words_of(table, scope.mapping),
                        table.local + clickhouse_run_filter(table, scope.mapping, scope.query));
  return fmt::format(
      "SELECT *, toUInt8(cohort_digit % {mended_cohort}) AS cohort, toUInt8(if(status_digit = "
      "{timed_out}, {failed}, status_digit)) AS status, "
      "if(raw_code = '' AND status_digit = {timed_out}, '{timeout}', raw_code) AS code, {valid} AS "
      "valid FROM ({words})",
      fmt::arg("mended_cohort", packed::kMendedCohort), fmt::arg("timed_out", packed::kTimedOut),
      fmt::arg("failed", packed::digit_of(Status::failed)), fmt::arg("timeout", kTimeoutCode),
      fmt::arg("valid", is_valid(scope.query)), fmt::arg("words", words));
}

}  // namespace

std::string clickhouse_records(const std::vector<ClickHouseTable>& tables,
                               const CountScope& scope) {
  std::string records;
  for (const ClickHouseTable& table : tables) {
    records += (records.empty() ? "" : " UNION ALL ") + counted_rows(table, scope);
  }
  return records;
}

}  // namespace dagloop
