// Private to the source layer: whose the new runs of a PostgreSQL table are.
#pragma once

#include <pqxx/pqxx>
#include <vector>

#include "dagloop/source/log_source.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Adds the users that the query asks for (KpiPartial::users) to what was counted. The rows of
/// those runs alone are read; nothing is where no users are asked for.
///
/// Shape: can_aggregate() holds. The session's zone must be UTC.
void add_postgres_users(pqxx::transaction_base& transaction,
                        const std::vector<PostgresTable>& tables, const SourceOptions& options,
                        const LogQuery& query, PartialSet& set);

}  // namespace dagloop
