// Private to the source layer: the query that makes ClickHouse count, on every shard by itself.
#pragma once

#include <string>
#include <vector>

#include "dagloop/record/mapping.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// Throws Error{source} when the table lacks a column without which no row is a record, or when a
/// column's type cannot be counted (name, type and remedy).
///
/// Shape: can_count_in_sql() holds for the mapping.
void demand_countable(const ClickHouseTable& table, const Mapping& mapping);

/// Returns the statement (without a format) whose rows are the hashes of keys that more than one
/// run record has.
std::string clickhouse_repeated_query(const std::vector<ClickHouseTable>& tables,
                                      const CountScope& scope);

/// Returns one statement whose rows, tab-separated, are those of AnswerRow. Every shard answers for
/// its own rows, with one row of the kind `shard`; duplicates, derived runs and attempts are
/// settled there as RunTable settles them.
///
/// Shape:  demand_countable() holds; all rows of a run lie on one shard; `repeated` is what stands
///         in the brackets of IN: the hashes of clickhouse_repeated_query(), or none where it is
///         empty.
/// Source: syntax of ClickHouse 18.16, which knows neither window functions nor CTEs.
std::string clickhouse_query(const std::vector<ClickHouseTable>& tables, const CountScope& scope,
                             const std::string& repeated);

/// Returns the statement for the runs that could not be read, in the same rows. Asked for only
/// where there are malformed rows.
std::string clickhouse_unread_query(const std::vector<ClickHouseTable>& tables,
                                    const CountScope& scope);

}  // namespace dagloop
