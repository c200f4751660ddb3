// Private to the source layer: the few rows of counted tables that are shown to the operator.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "source/packed_runs.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Among which rows examples are looked for: all that were counted, or the newest of each table,
/// where all would take longer than what was asked.
enum class SearchedRows { all, newest };

/// Returns the statement that gives the first malformed and mended rows of the tables: the number
/// of the table, and the columns of json_rows_query().
///
/// Shape: can_aggregate() holds. The session's zone must be UTC.
std::string examples_query(const std::vector<PostgresTable>& tables, const CountScope& scope,
                           SearchedRows among);

/// Looks for the examples of `input`, where it counts malformed or mended rows.
void show_examples(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                   const CountScope& scope, SearchedRows among, InputCounts& input);

}  // namespace dagloop
