#include "dagloop/base/error.hpp"
#include "source/clickhouse_aggregate.hpp"
#include "source/clickhouse_expressions.hpp"

namespace dagloop {

void demand_countable(const ClickHouseTable& table, const SourceOptions& options) {
  const Mapping& mapping = options.mapping;
  const std::string where = "table " + table.name;
  if (options.dedupe != Dedupe::runs || mapping.created_at_marks != CreatedAtMarks::end) {
    throw Error(ErrorKind::source, where,
                "input.dedupe records and created_at_marks start cannot be counted by ClickHouse",
                "use dedupe runs; make a view with the end as created_at");
  }
  for (const auto& [field, place] : mapping.fields) {
    const auto known = field_named(field);
    if (place.form == FieldForm::none) continue;
    const bool is_text = known && type_of(*known) == FieldType::text;
    if (mapping.only || place.source != FieldSource::column || !place.is_plain() ||
        (!place.aliases.empty() && !is_text)) {
      throw Error(ErrorKind::source, where,
                  "the mapping of " + field + " cannot be counted by ClickHouse",
                  "make a view that has it as a column of its own");
    }
  }
  for (const Field field : {Field::created_at, Field::status}) {
    if (!table.columns.contains(clickhouse_column_of(mapping, field))) {
      throw Error(ErrorKind::source, where, "has no column " + clickhouse_column_of(mapping, field),
                  "name another table (runs_table=, nodes_table=), or give a mapping (--mapping)");
    }
  }
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const auto column = table.columns.find(clickhouse_column_of(mapping, field));
    if (column == table.columns.end()) continue;
    if (clickhouse_type_fits(field, column->second)) continue;
    throw Error(ErrorKind::source, where,
                "column " + column->first + " is of type " + column->second +
                    ", which cannot hold " + std::string(to_string(field)),
                "make a view with the types of sql/clickhouse/0001_logs.sql");
  }
}

}  // namespace dagloop
