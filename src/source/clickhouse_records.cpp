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

// The rows of a table in the words of the contract.
std::string counted_rows(const ClickHouseTable& table, const CountScope& scope) {
  const ClickHouseExpressions row(table, scope.mapping);
  const std::string words = fmt::format(
      "SELECT {hash} AS h, {at} AS at, {run} = '' AS is_request, if({run} = '', {request}, {run}) "
      "AS key, if({type} = '{run_type}', '', {node}) AS node, {item} AS item, "
      "node != '' AND lower({type}) = '{undoing}' AS undoes, {attempt} AS attempt, {status} AS "
      "status_digit, {code} AS raw_code, lower(raw_code) = '{upstream}' AS is_upstream, {plan} AS "
      "plan, {pipeline} "
      "AS pipeline, toUInt8({compensation} % {mended_compensation}) AS compensation, "
      "toUInt8(if({mode} = '', {run} = '', lower({mode}) NOT IN ({dag_modes}))) AS population, "
      "{cohort} AS cohort_digit, {verification} != '' AS unverified, "
      "{fallback} "
      "!= '' AS fallback, {reused} AS reused, {raw_duration} AS raw_duration, if(raw_duration >= 0 "
      "AND NOT isInfinite(raw_duration), raw_duration, -1.) AS duration, {total} AS fanout_total, "
      "{failed} AS fanout_failed, {tokens} AS tokens, {has_tokens} AS has_tokens, {cost} AS cost, "
      "{has_cost} AS has_cost, {unread} AS unread FROM {table}{filter}",
      fmt::arg("hash", row.hash()), fmt::arg("at", row.at()),
      fmt::arg("run", row.text(Field::pipeline_run_id)),
      fmt::arg("request", row.text(Field::request_id)),
      fmt::arg("type", row.text(Field::node_type)), fmt::arg("run_type", kRunNodeType),
      fmt::arg("node", row.text(Field::node_id)),
      fmt::arg("item", row.count(Field::fanout_index, -1)),
      fmt::arg("undoing", kCompensationNodeType), fmt::arg("attempt", row.count(Field::attempt, 1)),
      fmt::arg("status", row.word(Field::status, packed::status_form(0))),
      fmt::arg("code", row.text(Field::error_code)), fmt::arg("upstream", kUpstreamFailedCode),
      fmt::arg("plan", row.text(Field::plan_source)),
      fmt::arg("pipeline", row.text(Field::pipeline_id)),
      fmt::arg("compensation", row.word(Field::compensation_status, packed::compensation_form(0))),
      fmt::arg("mended_compensation", packed::kMendedCompensation),
      fmt::arg("mode", row.text(Field::execution_mode)),
      fmt::arg("dag_modes", clickhouse_dag_modes()),
      fmt::arg("cohort", row.word(Field::cohort, packed::cohort_form(0))),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.truth(Field::idempotent_reuse)),
      fmt::arg("raw_duration", row.number(Field::duration_ms)),
      fmt::arg("total", row.count(Field::fanout_total, 0)),
      fmt::arg("failed", row.count(Field::fanout_failed, 0)), fmt::arg("tokens", row.tokens()),
      fmt::arg("has_tokens", row.has_tokens()), fmt::arg("cost", row.count(Field::cost_micros, 0)),
      fmt::arg("has_cost", row.is_count(Field::cost_micros)), fmt::arg("unread", row.unread()),
      fmt::arg("table", table.local),
      fmt::arg("filter", clickhouse_run_filter(table, scope.mapping, scope.query)));
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
