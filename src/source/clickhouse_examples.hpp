// Private to the source layer: the query for the few rows that are shown to the operator.
#pragma once

#include <string>

#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// What rows are shown for.
enum class ShownRows { malformed, mended };

/// Whether numbers that a column has for a truth are left out of its rows: a file that shows them
/// would be mended.
enum class RowTruths { left_out, kept };

/// Returns the statement that gives rows of a table, each as one JSON object with the columns that
/// the contract or the mapping names. `clauses` stand behind the table's name.
///
/// Shape: demand_countable() accepts the table; 64-bit numbers are not quoted in JSON.
std::string clickhouse_json_rows(const ClickHouseTable& table, const CountScope& scope,
                                 RowTruths truths, const std::string& clauses);

/// Returns the statement that gives the first such rows of a table, in the order of RowExamples,
/// as clickhouse_json_rows() gives them.
std::string clickhouse_examples_query(const ClickHouseTable& table, const CountScope& scope,
                                      ShownRows shown);

}  // namespace dagloop
