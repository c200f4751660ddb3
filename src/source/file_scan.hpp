// Private to the source layer: several threads read whole files into one partial set.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Size of the chunks that files are read in.
inline constexpr std::size_t kChunkBytes = std::size_t{1} << 19;

/// Reads `paths` as one log. The result depends on neither `chunk_bytes` nor the threads.
///
/// Errors: the error of the first file, in the order of `paths`, that cannot be read.
PartialSet read_files(const std::vector<std::string>& paths, const SourceOptions& options,
                      const LogQuery& query, std::size_t chunk_bytes);

}  // namespace dagloop
