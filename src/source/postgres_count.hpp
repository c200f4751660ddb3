// Private to the source layer: a server's answers, as partial rows.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "source/packed_runs.hpp"
#include "source/postgres_aggregate.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Gives `sink` what the tables' rows are, duplicates counted as runs (packed_runs_query). Returns
/// whether there are malformed ones.
bool count_runs(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                const CountScope& scope, const RowSink& sink);

/// Gives `sink` what is to be added to that (settling_query). Nothing is asked where nothing can
/// be.
void settle_runs(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                 const CountScope& scope, const Unsettled& unsettled, const RowSink& sink);

}  // namespace dagloop
