// Private to the source layer: several threads read parts of log files, line by line. A full scan
// is the reading of one part a file (file_scan.hpp), a read with a store that of what is new
// (rollup_lines.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dagloop/source/log_source.hpp"
#include "source/line_worker.hpp"

namespace dagloop {

/// What a reading of parts has come to.
struct PartsRead {
  bool is_whole = true;              // no worker was full, and no path had become another file
  std::vector<LineNumbers> numbers;  // by part, where whole
  std::vector<LineTimes> times;      // by part; lines by their number in the file
};

/// How parts are read.
struct LineReadOptions {
  std::size_t chunk_bytes = 0;
  const std::function<void(const ReadProgress&)>& progress;  // may be empty
  std::uint64_t bytes_total = 0;                             // 0: nobody knows
};

/// Reads `parts`, with one thread a worker.
///
/// Shape:  at least one worker. No two get the same line.
/// Errors: the error of the first part, in their order, that cannot be read.
PartsRead read_parts(const std::vector<FilePart>& parts, const std::vector<LineWorker*>& workers,
                     const LineReadOptions& options);

}  // namespace dagloop
