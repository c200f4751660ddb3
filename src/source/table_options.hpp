// Private to the source layer: what a read asks of its tables of runs.
#pragma once

#include "dagloop/kpi/run_table_options.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns what the source's options say of every table, whatever is read.
inline RunTableOptions table_options(const SourceOptions& options) {
  return {.range = {},
          .outcome_node = options.mapping.outcome_node,
          .dedupe = options.dedupe,
          .rules = options.rules,
          .classes = options.classes};
}

/// Returns those of a table that answers `query`.
inline RunTableOptions table_options(const SourceOptions& options, const LogQuery& query) {
  RunTableOptions table = table_options(options);
  table.range = query.range;
  table.cuts = query.cuts;
  table.window = query.window;
  table.users_from = query.users_from();
  return table;
}

}  // namespace dagloop
