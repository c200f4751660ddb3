// Private to the source layer: reads log files with a rollup store (docs/adr/0010).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Reads `paths` as one log, what is new of them; the rest is in `options.rollup`.
///
/// Shape:  `sources` names the log as the operator did. The result is that of read_files but for
///         the slots that LogQuery::cuts lets fall together; nullopt where the query or the files
///         are none that the store can answer for: then the store was not changed.
/// Errors: Error{source} when a file cannot be read.
std::optional<PartialSet> read_with_rollup(const std::string& sources,
                                           const std::vector<std::string>& paths,
                                           const SourceOptions& options, const LogQuery& query,
                                           std::size_t chunk_bytes);

}  // namespace dagloop
