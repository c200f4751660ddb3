// Private to the source layer: the query for the few rows that are shown to the operator.
#pragma once

#include <string>

#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// What rows are shown for.
enum class ShownRows { malformed, mended };

/// Returns the statement that gives the first such rows of a table, in the order of RowExamples,
/// each as one JSON object with the columns that the contract or the mapping names.
///
/// Shape: demand_countable() accepts the table; 64-bit numbers are not quoted in JSON.
std::string clickhouse_examples_query(const ClickHouseTable& table, const CountScope& scope,
                                      ShownRows shown);

}  // namespace dagloop
