// Private to the source layer: the statement that counts a table's rows in one look at each.
#pragma once

#include <string>

#include "source/packed_runs.hpp"
#include "source/postgres_expressions.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Returns the digit of a duration: 0 where it is NULL, else 1 + its bucket.
std::string duration_digit(const std::string& duration);

/// Returns the class of a run's age, as AgeClass has it, of those whose ages are told; else 0.
std::string age_class_sql(const std::string& at, const std::string& duration,
                          const LogQuery& query);

/// Returns whether a table tells tokens, and their sum; NULL where a row has none.
bool has_tokens(const Expressions& row);
std::string tokens_sql(const Expressions& row);

/// Returns the statement that packs all rows of the table that matter to the query. Its rows are
/// those of AnswerRow. Duplicates are counted as runs.
///
/// Shape:  can_aggregate() holds for the table. The session's zone must be UTC.
std::string packed_runs_query(const PostgresTable& table, const CountScope& scope);

/// Returns the statement that packs what the settling query has settled, in the same way.
///
/// Shape:  `runs` is a table of the columns at, status, code, compensation, population, cohort,
///         unverified, fallback, reused, manual, duration, fanout_total, fanout_failed, tokens,
///         cost, plan, pipeline and newest_at (of the run's records); words are digits, and no run
///         is malformed.
std::string packed_settled_query(PackedUse use, const std::string& runs, const CountScope& scope);

}  // namespace dagloop
