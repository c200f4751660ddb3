#include "dagloop/base/error.hpp"
#include "source/clickhouse_aggregate.hpp"
#include "source/clickhouse_expressions.hpp"

namespace dagloop {

void demand_countable(const ClickHouseTable& table, const Mapping& mapping) {
  const std::string where = "table " + table.name;
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
