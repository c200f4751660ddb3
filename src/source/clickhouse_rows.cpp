#include "source/clickhouse_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

bool is_countable(const std::string& field, const FieldMapping& place) {
  if (place.form == FieldForm::none) return true;
  const auto known = field_named(field);
  const bool is_text = known && type_of(*known) == FieldType::text;
  return place.source == FieldSource::column && place.is_plain() &&
         (place.aliases.empty() || is_text);
}

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

// The first of a field's columns that is there; a fault where none is.
std::string demanded(const ClickHouseTable& table, const std::vector<std::string>& columns) {
  const auto found = std::ranges::find_if(
      columns, [&](const std::string& column) { return table.columns.contains(column); });
  if (found != columns.end()) return *found;
  throw Error(ErrorKind::source, "table " + table.name,
              fmt::format("has no column {}", fmt::join(columns, " or ")),
              "name another table (runs_table=, nodes_table=), or give a mapping (--mapping)");
}

std::string id_column(const ClickHouseTable& table, const Mapping& mapping) {
  std::vector<std::string> ids = columns_of(mapping, to_string(Field::pipeline_run_id));
  for (std::string& id : columns_of(mapping, to_string(Field::request_id))) ids.push_back(id);
  return demanded(table, ids);
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
  if (!is_end || !has_own_time(table, mapping)) return " WHERE 1";
  return clickhouse_time_filter(table, mapping, scope.query);
}

}  // namespace

bool clickhouse_can_count(const SourceOptions& options) {
  const Mapping& mapping = options.mapping;
  return options.dedupe == Dedupe::runs && mapping.created_at_marks == CreatedAtMarks::end &&
         !mapping.only && std::ranges::all_of(mapping.fields, [](const auto& field) {
           return is_countable(field.first, field.second);
         });
}

std::string clickhouse_json_rows(const ClickHouseTable& table, const CountScope& scope,
                                 const RowsPart& part) {
  std::string clauses = row_clauses(table, scope);
  if (part.parts > 1) {
    clauses +=
        fmt::format(" AND cityHash64(toString({})) % {} = {}",
                    clickhouse_name(id_column(table, scope.mapping)), part.parts, part.number);
  }
  std::string inner;
  std::string outer;
  for (const std::string& column : columns_read(table, scope.mapping)) {
    const std::string name = fmt::format("v{}", inner.size());
    inner +=
        (inner.empty() ? "" : ", ") + shown_column(table, scope.mapping, column) + " AS " + name;
    outer += (outer.empty() ? "" : ", ") + name + " AS " + clickhouse_name(column);
  }
  return fmt::format("SELECT {} FROM (SELECT {} FROM {} {}) FORMAT JSONEachRow", outer, inner,
                     table.here, clauses);
}

std::string clickhouse_row_count(const ClickHouseTable& table, const CountScope& scope) {
  id_column(table, scope.mapping);
  return fmt::format("SELECT count() FROM {} {} FORMAT TabSeparated", table.here,
                     row_clauses(table, scope));
}

}  // namespace dagloop
