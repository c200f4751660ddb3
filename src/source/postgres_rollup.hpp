// Private to the source layer: counting of PostgreSQL's rows with a store. Kept is what was counted
// of a sealed range; a tick looks at the rows by which its range differs from that one, and at all
// other rows of their runs.
#pragma once

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "dagloop/source/rollup_store.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// Returns whether what is counted of the tables can be kept: rows have a place, and the rows of a
/// run are found by an index on its key.
bool can_keep(const std::vector<PostgresTable>& tables, const Mapping& mapping);

/// Reads as PostgresSource does where the server counts, with `options.rollup`.
///
/// Shape:  can_aggregate() and can_keep() hold. `log` names the tables and the options. The ranges
///         of the query end before `query.latest`, else nothing is kept and nullopt is returned.
/// Errors: nullopt also where what was kept contradicts the rows: count in full.
/// Cost:   the rows between the kept boundaries and the query's, and those of the same runs.
std::optional<PartialSet> read_with_rollup(pqxx::transaction_base& transaction,
                                           const std::vector<PostgresTable>& tables,
                                           const LogQuery& query, const SourceOptions& options,
                                           const std::string& log);

}  // namespace dagloop
