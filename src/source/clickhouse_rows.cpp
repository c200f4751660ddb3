#include "source/clickhouse_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"
#include "source/sql_countable.hpp"

namespace dagloop {
namespace {

// The columns that are there, of those that the mapping names.
std::set<std::string> columns_read(const ClickHouseTable& table, const Mapping& mapping) {
  std::set<std::string> found;
  const auto add = [&](const std::string& column) {
    if (table.columns.contains(column)) found.insert(column);
  };
  for (const std::string_view field : contract_fields()) {
    for (const std::string& column : columns_of(mapping, field)) add(column);
  }
  if (mapping.only) add(column_of(mapping.only->place, mapping));
  return found;
}

// Those of a field's columns that are there; a fault where none is.
std::vector<std::string> demanded(const ClickHouseTable& table,
                                  const std::vector<std::string>& columns) {
  std::vector<std::string> found;
  for (const std::string& column : columns) {
    if (table.columns.contains(column)) found.push_back(column);
  }
  if (!found.empty()) return found;
  throw Error(ErrorKind::source, "table " + table.name,
              fmt::format("has no column {}", fmt::join(columns, " or ")),
              "name another table (runs_table=, nodes_table=), or give a mapping (--mapping)");
}

std::vector<std::string> id_columns(const ClickHouseTable& table, const Mapping& mapping) {
  std::vector<std::string> ids = columns_of(mapping, to_string(Field::pipeline_run_id));
  for (std::string& id : columns_of(mapping, to_string(Field::request_id))) {
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(std::move(id));
  }
  return demanded(table, ids);
}

// The rows of one part. A row without an id is in one, too: of NULL there is no hash.
std::string part_clause(const ClickHouseTable& table, const Mapping& mapping,
                        const RowsPart& part) {
  std::string ids;
  for (const std::string& id : id_columns(table, mapping)) {
    ids += fmt::format("{}ifNull(toString({}), '')", ids.empty() ? "" : ", ", clickhouse_name(id));
  }
  return fmt::format(" AND cityHash64({}) % {} = {}", ids, part.parts, part.number);
}

// Whether the server has the time of a row in a column of its own.
bool has_own_time(const ClickHouseTable& table, const Mapping& mapping) {
  const auto mapped = mapping.fields.find(std::string(to_string(Field::created_at)));
  const bool is_column =
      mapped == mapping.fields.end() ||
      (mapped->second.form == FieldForm::one && mapped->second.source == FieldSource::column);
  const auto column = table.columns.find(clickhouse_column_of(mapping, Field::created_at));
  return is_column && column != table.columns.end() &&
         clickhouse_type_fits(Field::created_at, column->second);
}

std::string shown_column(const ClickHouseTable& table, const Mapping& mapping,
                         const std::string& column) {
  std::string name = clickhouse_name(column);
  const std::string& type = table.columns.at(column);
  if (has_own_time(table, mapping) && column == clickhouse_column_of(mapping, Field::created_at)) {
    return clickhouse_shown_time(ClickHouseExpressions(table, mapping).at());
  }
  if (type.find("DateTime64") != std::string::npos) {
    return clickhouse_shown_time("toUnixTimestamp64Micro(toDateTime64(" + name + ", 6))");
  }
  if (type.find("DateTime") != std::string::npos) {
    return clickhouse_shown_time("(toInt64(toUInt32(" + name + ")) * 1000000)");
  }
  return name;
}

std::string row_clauses(const ClickHouseTable& table, const CountScope& scope) {
  const Mapping& mapping = scope.mapping;
  demanded(table, columns_of(mapping, to_string(Field::created_at)));
  demanded(table, columns_of(mapping, to_string(Field::status)));
  // A run that began before the range may have ended in it.
  const bool is_end = mapping.created_at_marks == CreatedAtMarks::end;
  const bool has_filter =
      is_end && has_own_time(table, mapping) && !has_aliases(mapping, Field::created_at);
  if (!has_filter) return " WHERE 1";
  return clickhouse_time_filter(table, mapping, scope.query);
}

}  // namespace

std::string clickhouse_mapped_rows(const ClickHouseTable& table, const CountScope& scope,
                                   const RowsPart& part) {
  std::string clauses = row_clauses(table, scope);
  if (part.parts > 1) clauses += part_clause(table, scope.mapping, part);
  std::vector<ClickHouseValue> values;
  for (const std::string& column : columns_read(table, scope.mapping)) {
    values.push_back({column, shown_column(table, scope.mapping, column)});
  }
  return clickhouse_values(table, values, table.here + " " + clauses) + " FORMAT JSONEachRow";
}

std::string clickhouse_row_count(const ClickHouseTable& table, const CountScope& scope) {
  id_columns(table, scope.mapping);
  return fmt::format("SELECT count() FROM {} {} FORMAT TabSeparated", table.here,
                     row_clauses(table, scope));
}

}  // namespace dagloop
