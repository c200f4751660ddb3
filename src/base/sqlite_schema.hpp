// Private: whether a SQLite file holds the tables that we make and nothing else. Whoever can write
// the file once may leave a trigger there that turns every later write into nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/sqlite_statement.hpp"

namespace dagloop {

/// How a schema differs from the one that it should be.
struct SchemaDifference {
  std::vector<std::string> missing;  // names of what is not there, or is there with another text
  std::vector<std::string> foreign;  // "trigger NAME on TABLE": what nobody of us made
};

/// Returns how the schema of `database` differs from `expected`, the statements that make it.
///
/// Shape:  a statement is "CREATE ..." without IF NOT EXISTS and without a semicolon; white space
///         counts as one blank. What SQLite makes for a constraint of a table is part of the table.
/// Errors: Error{preflight} where the schema cannot be read.
SchemaDifference compare_schema(const SqliteDatabase& database,
                                const std::vector<std::string_view>& expected);

/// Returns at most three of `names`, separated by commas, and how many more there are.
std::string some_of(const std::vector<std::string>& names);

}  // namespace dagloop
