// Private to the source layer: the query that makes PostgreSQL count, instead of sending its rows.
#pragma once

#include <string>
#include <vector>

#include "source/packed_runs.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Returns whether the tables can be counted by the server: every field stands in a column of its
/// own, of a type that the server can convert, and `created_at` is the end.
bool can_aggregate(const std::vector<PostgresTable>& tables, const SourceOptions& options);

/// Returns whether node records may stand in any of the tables.
bool have_nodes(const std::vector<PostgresTable>& tables, const Mapping& mapping);

/// Returns the statement whose only value says whether any key may stand more than once. One
/// process sorts hashes for it, which costs less than listing them.
std::string repetition_query(const std::vector<PostgresTable>& tables, const CountScope& scope);

/// Returns the statement whose rows are the hashes of keys that more than one run record has, and
/// may be of others.
std::string repeated_query(const std::vector<PostgresTable>& tables, const CountScope& scope);

/// What counting rows one by one has not settled.
struct Unsettled {
  /// A query of one column that gives at least the rows of repeated_query(); empty: no key stands
  /// more than once.
  std::string repeated;
  bool has_unread = false;  // there are malformed rows
};

/// Returns the statement that takes back the run records that do not stand, and adds derived runs,
/// attempts, what node records say of their runs, and runs that could not be read, as RunTable
/// settles them. Its rows are those of AnswerRow.
///
/// Shape:  can_aggregate() holds. The session's zone must be UTC.
std::string settling_query(const std::vector<PostgresTable>& tables, const CountScope& scope,
                           const Unsettled& unsettled);

}  // namespace dagloop
