// Private to the source layer: the statement that counts a table's rows in one look at each.
#pragma once

#include <string>

#include "source/packed_runs.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Returns the statement whose rows are the members of PackedRuns in their order, over all rows of
/// the table that matter to the query. Duplicates are counted as runs.
///
/// Shape:  can_aggregate() holds for the table. The session's zone must be UTC.
std::string packed_runs_query(const PostgresTable& table, const Mapping& mapping,
                              const LogQuery& query);

}  // namespace dagloop
