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

/// The largest number of type numeric that is one of float8, which has no place for 1e400.
inline constexpr const char* kLargestDouble = "1.7976931348623157e308";

/// A table as the server describes it.
struct PostgresTable {
  std::string name;                            // quoted as SQL wants it
  std::map<std::string, std::string> columns;  // name -> type, as in pg_type.typname
  std::set<std::string> unique;                // columns with a unique index of their own
  std::set<std::string> indexed = {};          // columns that a B-tree index starts with
  bool is_plain = false;                       // rows lie in this table itself: no view, no parts
  std::string origin = {};  // the column that names a row's own table; empty: it is this one
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

/// Returns the SELECT of some rows, with three columns: the row as one JSON object, where it lies
/// in its table, and the name of that; both may be NULL. `clauses` stand behind the table's name.
///
/// Shape: only columns that the contract or the mapping names are read. Times are written with
///        their zone; the session's zone must be UTC.
std::string json_rows_query(const PostgresTable& table, const Mapping& mapping,
                            const std::string& clauses);

/// Returns that of the rows that may matter to `query`.
///
/// Shape:  rows whose time is known to lie before the range are left to the server; those behind it
///         are counted.
/// Errors: Error{source} when the table lacks a column without which no row is a record.
std::string rows_query(const PostgresTable& table, const Mapping& mapping, const LogQuery& query);

}  // namespace dagloop
