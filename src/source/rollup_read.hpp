// Private to the source layer: reads log files with a rollup store (docs/adr/0010).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// How much at a time.
struct RollupLimits {
  std::size_t chunk_bytes = std::size_t{1} << 19;  // that files are read in
  std::size_t commit_bytes = std::size_t{1}
                             << 25;   // of values, where a log is stored for the first time
  std::size_t max_pending = 100'000;  // ranges of unsettled lines; of more, the store is not used
};

/// Reads `paths` as one log, what is new of them; the rest is in `options.rollup`.
///
/// Shape:  `sources` names the log as the operator did. The result is that of read_files but for
///         the slots that LogQuery::cuts lets fall together; nullopt where the query or the files
///         are none that the store can answer for: then the store was not changed.
/// Errors: Error{source} when a file cannot be read.
std::optional<PartialSet> read_with_rollup(const std::string& sources,
                                           const std::vector<std::string>& paths,
                                           const SourceOptions& options, const LogQuery& query,
                                           const RollupLimits& limits = {});

}  // namespace dagloop
