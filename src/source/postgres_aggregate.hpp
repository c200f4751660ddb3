// Private to the source layer: the query that makes PostgreSQL count, instead of sending its rows.
#pragma once

#include <string>
#include <vector>

#include "source/partial_rows.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Returns whether the tables can be counted by the server: every field stands in a column of its
/// own, of a type that cannot hold what a record of a file could not, and `created_at` is the end.
bool can_aggregate(const std::vector<PostgresTable>& tables, const SourceOptions& options);

/// Returns one statement whose rows are partial rows, in the columns of RowKind, stretch,
/// population, cohort, name, error_code, bucket and the 12 counts: duplicates, derived runs and
/// attempts are settled by the server as RunTable settles them.
///
/// Shape:  can_aggregate() holds. The session's zone must be UTC.
/// Errors: Error{source} when a table lacks a column without which no row is a record.
std::string aggregate_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                            const LogQuery& query);

/// Returns the slot that the number of a stretch of time in the answer stands for.
TimePoint slot_of_stretch(std::int64_t stretch, const LogQuery& query);

}  // namespace dagloop
