// Private to the source layer: the part of ClickHouse's statement that counts a table's rows in one
// look at each.
#pragma once

#include <string>

#include "source/clickhouse_aggregate.hpp"

namespace dagloop {

/// Returns a SELECT of rows of the kind `packed`: the first key is the kind of PackedRuns, the
/// names are plan source and error code, and the counts are its other members in their order.
/// Duplicates are counted as runs.
///
/// Shape:  demand_countable() holds for the table.
std::string clickhouse_packed_runs(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query);

}  // namespace dagloop
