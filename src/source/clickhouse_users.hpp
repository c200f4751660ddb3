// Private to the source layer: the statements for whose the new runs of a ClickHouse table are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// One of some parts of all runs.
struct RunsPart {
  std::int64_t number = 0;  // from 0
  std::int64_t parts = 1;
};

/// Returns the statement that gives the rows of one of the tables that are of runs that end in one
/// of user_windows(), and may be of others, as clickhouse_json_rows() does.
///
/// Shape: there are such windows.
std::string clickhouse_user_rows(const std::vector<ClickHouseTable>& tables,
                                 const ClickHouseTable& table, const CountScope& scope,
                                 const RunsPart& part);
/// Returns the statement whose only value is how many there are in all parts.
std::string clickhouse_user_count(const std::vector<ClickHouseTable>& tables,
                                  const ClickHouseTable& table, const CountScope& scope);

}  // namespace dagloop
