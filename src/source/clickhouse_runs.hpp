// Private to the source layer: the part of ClickHouse's statement that counts a table's rows in one
// look at each.
#pragma once

#include <string>
#include <vector>

#include "source/clickhouse_expressions.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

/// Returns a SELECT of all rows of the tables that may be of a run, or malformed, in the words of
/// the contract.
std::string clickhouse_records(const std::vector<ClickHouseTable>& tables, const CountScope& scope);

/// Returns the class of a run's age, as AgeClass has it, of those whose ages are told; else 0.
///
/// Shape: `duration` is a Float64, below 0 or no number where there is none.
std::string clickhouse_age_class(const std::string& at, const std::string& duration,
                                 const LogQuery& query);

/// Returns a SELECT that packs all rows of the table that matter to the query, in the columns of
/// AnswerRow. Duplicates are counted as runs.
///
/// Shape:  demand_countable() holds for the table.
std::string clickhouse_packed_runs(const ClickHouseTable& table, const CountScope& scope);

/// Returns a SELECT that packs settled runs in the same way.
///
/// Shape:  `runs` is a SELECT of the columns at, status, code, compensation, population, cohort,
///         unverified, fallback, reused, manual, duration (-1: none), fanout_total, fanout_failed,
///         tokens, has_tokens, cost, has_cost, plan, pipeline and newest_at (of the run's records);
///         words are digits, and no run is malformed.
std::string clickhouse_packed_settled(PackedUse use, const std::string& runs,
                                      const CountScope& scope);

}  // namespace dagloop
