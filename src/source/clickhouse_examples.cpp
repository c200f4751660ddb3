#include "source/clickhouse_examples.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

namespace dagloop {
namespace {

// A column as a file would have it.
std::string shown_value(const ClickHouseExpressions& row, Field field, const std::string& column,
                        RowTruths truths) {
  if (field == Field::created_at) return clickhouse_shown_time(row.at());
  const std::string name = clickhouse_name(column);
  if (row.is_text(field)) return "toString(" + name + ")";
  // 0 and 1 of UInt8 are what ClickHouse has for a truth.
  return field == Field::idempotent_reuse && truths == RowTruths::left_out
             ? fmt::format("if({0} IN (0, 1), NULL, {0})", name)
             : name;
}

std::string shown_condition(const ClickHouseExpressions& row, const CountScope& scope,
                            ShownRows shown) {
  std::string malformed = fmt::format(
      "({at} = 0 OR {at} > {latest} OR {status} IN (0, {unknown}) OR {run} = '' AND {request} = "
      "'')",
      fmt::arg("at", row.at()), fmt::arg("latest", clickhouse_micros(scope.query.latest)),
      fmt::arg("status", row.word(Field::status, packed::status_form(0))),
      fmt::arg("unknown", packed::kUnknownStatus),
      fmt::arg("run", row.text(Field::pipeline_run_id)),
      fmt::arg("request", row.text(Field::request_id)));
  if (shown == ShownRows::malformed) return malformed;
  return fmt::format(
      "NOT {malformed} AND ({mended} != 0 OR {cohort} >= {mended_cohort} OR {compensation} >= "
      "{mended_compensation} OR {duration} < 0 AND NOT isInfinite({duration}))",
      fmt::arg("malformed", malformed), fmt::arg("mended", row.mended()),
      fmt::arg("cohort", row.word(Field::cohort, packed::cohort_form(0))),
      fmt::arg("mended_cohort", packed::kMendedCohort),
      fmt::arg("compensation", row.word(Field::compensation_status, packed::compensation_form(0))),
      fmt::arg("mended_compensation", packed::kMendedCompensation),
      fmt::arg("duration", row.number(Field::duration_ms)));
}

}  // namespace

std::string clickhouse_json_rows(const ClickHouseTable& table, const CountScope& scope,
                                 RowTruths truths, const std::string& clauses) {
  const ClickHouseExpressions row(table, scope.mapping);
  std::map<std::string, std::string> values;  // by column
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const std::string column = clickhouse_column_of(scope.mapping, field);
    if (row.has(field)) values.emplace(column, shown_value(row, field, column, truths));
  }
  std::vector<ClickHouseValue> shown;
  for (const auto& [column, value] : values) shown.push_back({column, value});
  return clickhouse_values(table, shown, table.here + " " + clauses) + " FORMAT JSONEachRow";
}

std::string clickhouse_examples_query(const ClickHouseTable& table, const CountScope& scope,
                                      ShownRows shown) {
  const ClickHouseExpressions row(table, scope.mapping);
  const std::string clauses = fmt::format(
      "{filter} AND {condition} ORDER BY ({at} = 0 OR {at} > {latest}) DESC, {at} DESC, {run}, "
      "{request} LIMIT {most}",
      fmt::arg("filter", clickhouse_time_filter(table, scope.mapping, scope.query)),
      fmt::arg("condition", shown_condition(row, scope, shown)), fmt::arg("at", row.at()),
      fmt::arg("latest", clickhouse_micros(scope.query.latest)),
      fmt::arg("run", row.text(Field::pipeline_run_id)),
      fmt::arg("request", row.text(Field::request_id)),
      fmt::arg("most", InputCounts::kMaxExamples));
  return clickhouse_json_rows(table, scope, RowTruths::left_out, clauses);
}

}  // namespace dagloop
