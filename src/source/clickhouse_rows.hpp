// Private to the source layer: rows of ClickHouse that are read here, because their mapping is none
// that the server counts by.
#pragma once

#include <cstdint>
#include <string>

#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// A part of a table's rows, by the hash of their ids.
struct RowsPart {
  std::int64_t number = 0;
  std::int64_t parts = 1;
};

/// Returns the statement whose lines are the rows that may matter, as JSON objects with the columns
/// that the mapping names: times with their zone, texts that hold JSON as they are.
///
/// Errors: Error{source} where a column is missing without which no row is a record.
std::string clickhouse_mapped_rows(const ClickHouseTable& table, const CountScope& scope,
                                   const RowsPart& part);
/// Returns the statement that counts them.
std::string clickhouse_row_count(const ClickHouseTable& table, const CountScope& scope);

}  // namespace dagloop
