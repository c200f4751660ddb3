// Private to the source layer: which columns of a table hold a record, and the query that reads
// them.
#pragma once

#include <map>
#include <set>
#include <string>

#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/mapping.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// A table as the server describes it.
struct PostgresTable {
  std::string name;                            // quoted as SQL wants it
  std::map<std::string, std::string> columns;  // name -> type, as in pg_type.typname
  std::set<std::string> unique;                // columns with a unique index of their own
  std::set<std::string> indexed = {};          // columns that a B-tree index starts with
  bool is_plain = false;                       // rows lie in this table itself: no view, no parts
};

/// Returns the name of the column that a field of the contract is found in.
std::string column_of(const Mapping& mapping, Field field);

/// Returns whether the server keeps run keys apart.
bool has_unique_runs(const PostgresTable& table, const Mapping& mapping);

/// Returns a column's name as SQL wants it.
std::string quoted_name(const std::string& name);

/// Returns an instant as SQL wants it.
std::string time_literal(TimePoint time);

/// Throws Error{source} when the table lacks a column without which no row is a record.
void demand_columns(const PostgresTable& table, const Mapping& mapping);

/// Returns " WHERE ..." for the rows that may matter to `query`, or nothing where the time does not
/// stand in a column of its own.
std::string time_filter(const PostgresTable& table, const Mapping& mapping, const LogQuery& query);
/// Returns it for those of them that may be of a run, or malformed: not what is set aside, for it
/// is written at or after the end of the range.
///
/// Shape: can_aggregate() holds.
std::string run_filter(const Mapping& mapping, const LogQuery& query);

/// Returns the SELECT of the rows that may matter to `query`, each as one JSON object.
///
/// Shape:  only columns that the contract or the mapping names are read. Rows whose time is known
///         to lie before the range are left to the server; those behind it are counted.
///         Times are written with their zone; the session's zone must be UTC.
/// Errors: Error{source} when the table lacks a column without which no row is a record.
std::string rows_query(const PostgresTable& table, const Mapping& mapping, const LogQuery& query);

}  // namespace dagloop
