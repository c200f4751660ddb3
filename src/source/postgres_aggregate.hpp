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

/// Returns whether node records may stand in any of the tables.
bool have_nodes(const std::vector<PostgresTable>& tables, const Mapping& mapping);

/// Returns the statement whose only value says whether any key may stand more than once. One
/// process sorts hashes for it, which costs less than listing them.
std::string repetition_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                             const LogQuery& query);

/// Returns the statement whose rows are the hashes of keys that more than one run record has, and
/// may be of others.
std::string repeated_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                           const LogQuery& query);

/// Returns the statement that takes back the run records that do not stand, and adds derived runs
/// and attempts, as RunTable settles them. Its rows are those of AnswerRow.
///
/// Shape:  can_aggregate() holds; `repeated` is a query of one column that gives at least the rows
///         of repeated_query(). The session's zone must be UTC.
std::string settling_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                           const LogQuery& query, const std::string& repeated);

}  // namespace dagloop
