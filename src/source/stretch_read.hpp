// Private to the source layer: several threads read parts of log files, and say of every line
// whether it is settled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/rollup_format.hpp"

namespace dagloop {

/// What a stretch's lines are.
enum class StretchUse : std::uint8_t {
  lines,     // settled, unless they lie behind the range or in the future
  last_line  // perhaps half-written: counted now, never settled
};

/// A part of a file to be read.
struct Stretch {
  std::size_t file = 0;  // index into `files`
  StretchUse use = StretchUse::lines;
  LineStretch lines;              // its count is not known, and may be 0
  std::vector<LineStretch> only;  // of a compressed file, read from its start: these lines alone
};

/// What was read of one file.
struct FileReading {
  LineCounts settled;
  LineCounts unsettled;              // counted now, and read again next time
  std::vector<LineStretch> pending;  // the lines that are not settled; ascending
  std::uint64_t lines = 0;           // of stretches with `use` lines and a count of 0
};

/// What was read of all files.
struct StretchReading {
  std::vector<FileReading> files;
  std::vector<RunTable> settled;    // one a thread: what is to be kept
  std::vector<RunTable> unsettled;  // one a thread: what counts now alone
};

/// How a rollup reads.
struct StretchOptions {
  const SourceOptions& source;
  LogQuery query;
  TimePoint kept_from;  // earlier records are counted, not kept
  std::size_t chunk_bytes = 0;
  std::size_t max_pending = 0;  // stretches of lines that are not settled, over all files
};

/// Reads stretches of `files`, ordered by file.
///
/// Shape:  nullopt where a path has become another file, or too many lines are not settled.
/// Errors: Error{source} of the first stretch that cannot be read.
std::optional<StretchReading> read_stretches(const std::vector<KeptFile>& files,
                                             const std::vector<Stretch>& stretches,
                                             const StretchOptions& options);

}  // namespace dagloop
