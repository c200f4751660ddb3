#include "source/postgres_table.hpp"

#include <map>
#include <vector>

#include "dagloop/base/error.hpp"
#include "source/sql_countable.hpp"

namespace dagloop {

std::string column_of(const Mapping& mapping, Field field) {
  std::string name(to_string(field));
  const auto mapped = mapping.fields.find(name);
  if (mapped == mapping.fields.end()) return name;
  const FieldMapping& place = mapped->second;
  if (place.form == FieldForm::none) return "";
  return column_of({place.source, place.name, {}}, mapping);
}

namespace {

bool is_time_type(const std::string& type) {
  return type == "timestamptz" || type == "timestamp" || type == "date";
}

bool is_own_column(const Mapping& mapping, Field field) {
  const auto mapped = mapping.fields.find(std::string(to_string(field)));
  if (mapped == mapping.fields.end()) return true;
  const FieldMapping& place = mapped->second;
  return place.form == FieldForm::one && place.source == FieldSource::column;
}

}  // namespace

std::string quoted_name(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

namespace {

bool is_time_column(const PostgresTable& table, const Mapping& mapping) {
  const auto column = table.columns.find(column_of(mapping, Field::created_at));
  return column != table.columns.end() && is_own_column(mapping, Field::created_at) &&
         is_time_type(column->second);
}

TimeForm form_of_time(const Mapping& mapping) {
  const auto mapped = mapping.fields.find(std::string(to_string(Field::created_at)));
  return mapped == mapping.fields.end() ? TimeForm{} : mapped->second.time;
}

// How many of the units that a column of numbers counts since 1970 there were at `time`.
std::string epoch_literal(TimePoint time, Epoch epoch) {
  const std::int64_t us = time.time_since_epoch().count();
  switch (epoch) {
    case Epoch::s:
      return std::to_string(us / 1'000'000);
    case Epoch::ms:
      return std::to_string(us / 1'000);
    case Epoch::us:
      return std::to_string(us);
    case Epoch::ns:
      return std::to_string(us) + "000";
  }
  return "0";
}

// Whether a time is read as one of the mapping's own zone, which the server does not know.
bool has_zone(const Mapping& mapping, const std::string& column) {
  for (const auto& [field, from] : mapping.fields) {
    for (const ValuePlace& place : from.places()) {
      if (place.time.zone && column_of(place, mapping) == column) return true;
    }
  }
  return false;
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
  // With the star a table's name is meant, also where a column has it.
  std::string line = "row_to_json(r.*)::text";
  if (columns.find(kNoNumber) == std::string::npos) return line;
  return "replace(" + line + ", '" + kNoNumber + "', 'NaN')";
}

}  // namespace

std::string time_literal(TimePoint time) { return "'" + format_time(time) + "'::timestamptz"; }

std::string time_filter(const PostgresTable& table, const Mapping& mapping, const LogQuery& query) {
  // A run that began before the range may have ended in it.
  if (mapping.created_at_marks != CreatedAtMarks::end) return "";
  // What an alias makes of a time is known only behind the reader: of one that stands for none, the
  // run may be open.
  if (has_aliases(mapping, Field::created_at)) return "";
  const std::string column = column_of(mapping, Field::created_at);
  const std::string time = quoted_name(column);
  const auto found = table.columns.find(column);
  const TimeForm form = form_of_time(mapping);
  if (form.epoch && found != table.columns.end() && is_own_column(mapping, Field::created_at) &&
      (found->second == "int8" || found->second == "int4" || found->second == "numeric")) {
    return " WHERE " + time + " >= " + epoch_literal(query.range.start, *form.epoch) + " OR " +
           time + " IS NULL OR " + time + " <= 0";
  }
  const bool is_of_server =
      form == TimeForm{} || (found != table.columns.end() && found->second == "timestamptz");
  if (!is_time_column(table, mapping) || !is_of_server) return "";
  return " WHERE " + time + " >= " + time_literal(query.range.start) + " OR " + time + " IS NULL";
}

std::string run_filter(const Mapping& mapping, const LogQuery& query) {
  const std::string time = quoted_name(column_of(mapping, Field::created_at));
  return " WHERE (" + time + " >= " + time_literal(query.range.start) + " AND " + time + " < " +
         time_literal(query.range.end) + ") OR " + time + " > " + time_literal(query.latest) +
         " OR " + time + " IS NULL";
}

void demand_columns(const PostgresTable& table, const Mapping& mapping) {
  demand_column(table, columns_of(mapping, to_string(Field::created_at)));
  demand_column(table, columns_of(mapping, to_string(Field::status)));
  std::vector<std::string> ids = columns_of(mapping, to_string(Field::pipeline_run_id));
  for (std::string& id : columns_of(mapping, to_string(Field::request_id))) ids.push_back(id);
  demand_column(table, ids);
}

std::string json_rows_query(const PostgresTable& table, const Mapping& mapping,
                            const std::string& clauses) {
  // By column, whether it holds numbers alone.
  std::map<std::string, bool> wanted;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const bool is_number = type_of(field) == FieldType::whole || type_of(field) == FieldType::real;
    for (const std::string& column : columns_of(mapping, to_string(field))) {
      if (!table.columns.contains(column)) continue;
      const auto found = wanted.emplace(column, true).first;
      found->second = found->second && is_number && is_own_column(mapping, field);
    }
  }
  if (mapping.only) {
    const std::string column = column_of(mapping.only->place, mapping);
    if (table.columns.contains(column)) wanted[column] = false;
  }
  const std::string time = column_of(mapping, Field::created_at);
  std::string list;
  for (const auto& [column, is_number] : wanted) {
    const std::string& type = table.columns.at(column);
    const bool is_time =
        is_time_type(type) && !has_zone(mapping, column) && (column == time || type == "timestamp");
    const std::string value =
        is_time ? quoted_name(column) + "::timestamptz" : json_value(column, type, is_number);
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
