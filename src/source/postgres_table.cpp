#include "source/postgres_table.hpp"

#include <map>
#include <vector>

#include "dagloop/base/error.hpp"

namespace dagloop {

std::string column_of(const Mapping& mapping, Field field) {
  std::string name(to_string(field));
  const auto mapped = mapping.fields.find(name);
  if (mapped == mapping.fields.end()) return name;
  const FieldMapping& place = mapped->second;
  switch (place.source) {
    case FieldSource::column:
      return place.name;
    case FieldSource::detail:
      return mapping.detail_column;
    case FieldSource::pointer:
      return place.name.substr(1, place.name.find('/', 1) - 1);
  }
  return name;
}

namespace {

bool is_own_column(const Mapping& mapping, Field field) {
  const auto mapped = mapping.fields.find(std::string(to_string(field)));
  return mapped == mapping.fields.end() || mapped->second.source == FieldSource::column;
}

}  // namespace

std::string quoted_name(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

namespace {

bool is_time_column(const PostgresTable& table, const Mapping& mapping) {
  const std::string& type = table.columns.at(column_of(mapping, Field::created_at));
  return is_own_column(mapping, Field::created_at) &&
         (type == "timestamptz" || type == "timestamp" || type == "date");
}

void demand_column(const PostgresTable& table, const std::vector<std::string>& any_of) {
  std::string names;
  for (const std::string& name : any_of) {
    if (table.columns.contains(name)) return;
    names += (names.empty() ? "" : " or ") + name;
  }
  throw Error(ErrorKind::source, "table " + table.name, "has no column " + names,
              "name another table (runs_table=, nodes_table=), or give a mapping (--mapping)");
}

}  // namespace

bool has_unique_runs(const PostgresTable& table, const Mapping& mapping) {
  return table.unique.contains(column_of(mapping, Field::pipeline_run_id));
}

namespace {

// What row_to_json() writes for a number that is none; no text of a column is written so.
constexpr const char* kNoNumber = "[\"no number\"]";

// A column as it goes into JSON.
std::string json_value(const std::string& column, const std::string& type, bool is_number) {
  std::string name = quoted_name(column);
  if (type != "float4" && type != "float8" && type != "numeric") return name;
  // JSON has no such numbers: they would come as texts.
  const std::string none = name + "::text IN ('NaN', 'Infinity', '-Infinity')";
  if (!is_number) return "CASE WHEN NOT " + none + " THEN " + name + " END";
  std::string value = "CASE WHEN " + none + " THEN '" + kNoNumber + "'::json";
  // Three hundred digits are no number to a reader of JSON; 1e300 is.
  if (type == "numeric") {
    value += " WHEN abs(" + name + ") BETWEEN 1e18 AND " + kLargestDouble + " THEN to_json(" +
             name + "::float8)";
  }
  return value + " ELSE to_json(" + name + ") END";
}

// The row of such columns as a line, with NaN where a file has it.
std::string line_of(const std::string& columns) {
  std::string line = "row_to_json(r)::text";
  if (columns.find(kNoNumber) == std::string::npos) return line;
  return "replace(" + line + ", '" + kNoNumber + "', 'NaN')";
}

}  // namespace

std::string time_literal(TimePoint time) { return "'" + format_time(time) + "'::timestamptz"; }

std::string time_filter(const PostgresTable& table, const Mapping& mapping, const LogQuery& query) {
  // A run that began before the range may have ended in it.
  if (!is_time_column(table, mapping) || mapping.created_at_marks != CreatedAtMarks::end) return "";
  const std::string time = quoted_name(column_of(mapping, Field::created_at));
  return " WHERE " + time + " >= " + time_literal(query.range.start) + " OR " + time + " IS NULL";
}

std::string run_filter(const Mapping& mapping, const LogQuery& query) {
  const std::string time = quoted_name(column_of(mapping, Field::created_at));
  return " WHERE (" + time + " >= " + time_literal(query.range.start) + " AND " + time + " < " +
         time_literal(query.range.end) + ") OR " + time + " > " + time_literal(query.latest) +
         " OR " + time + " IS NULL";
}

void demand_columns(const PostgresTable& table, const Mapping& mapping) {
  demand_column(table, {column_of(mapping, Field::created_at)});
  demand_column(table, {column_of(mapping, Field::status)});
  demand_column(
      table, {column_of(mapping, Field::pipeline_run_id), column_of(mapping, Field::request_id)});
}

std::string json_rows_query(const PostgresTable& table, const Mapping& mapping,
                            const std::string& clauses) {
  // By column, whether it holds numbers alone.
  std::map<std::string, bool> wanted;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const std::string column = column_of(mapping, field);
    if (!table.columns.contains(column)) continue;
    const bool is_number = type_of(field) == FieldType::whole || type_of(field) == FieldType::real;
    const auto found = wanted.emplace(column, true).first;
    found->second = found->second && is_number && is_own_column(mapping, field);
  }
  const std::string time = column_of(mapping, Field::created_at);
  const bool is_time = is_time_column(table, mapping);
  std::string list;
  for (const auto& [column, is_number] : wanted) {
    const std::string value = is_time && column == time
                                  ? quoted_name(column) + "::timestamptz"
                                  : json_value(column, table.columns.at(column), is_number);
    list += (list.empty() ? "" : ", ") + value + " AS " + quoted_name(column);
  }
  return "SELECT " + line_of(list) + ", dagloop_row, " +
         (table.origin.empty() ? "NULL::text" : quoted_name(table.origin)) + " FROM (SELECT *, " +
         (table.is_plain ? "'ctid ' || ctid::text" : "NULL::text") + " AS dagloop_row FROM " +
         table.name + clauses + ") AS t CROSS JOIN LATERAL (SELECT " + list + ") AS r";
}

std::string rows_query(const PostgresTable& table, const Mapping& mapping, const LogQuery& query) {
  demand_columns(table, mapping);
  return json_rows_query(table, mapping, time_filter(table, mapping, query));
}

}  // namespace dagloop
