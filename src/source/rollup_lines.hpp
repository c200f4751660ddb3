// Private to the source layer: reads the parts of log files that a plan names, and says of every
// line whether it is settled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/rollup_format.hpp"

namespace dagloop {

/// What a part's lines are.
enum class PartUse : std::uint8_t {
  lines,     // settled, unless they lie behind the range or in the future
  last_line  // perhaps half-written: counted now, never settled
};

/// A part of a file to be read.
struct PlannedPart {
  std::size_t file = 0;  // index into `files`
  PartUse use = PartUse::lines;
  LineRange lines;              // its count is not known, and may be 0
  std::vector<LineRange> only;  // of a compressed file, read from its start: these lines alone
  bool follows = false;         // begins where the part before it ends
};

/// What was read of one file.
struct FileReading {
  LineCounts settled;
  LineCounts unsettled;            // counted now, and read again next time
  std::vector<LineRange> pending;  // the lines that are not settled; ascending
  std::uint64_t lines = 0;         // of parts with `use` lines and a count of 0
  LineTimes times;                 // of all parts with `use` lines
};

/// What was read of all files.
struct LogReading {
  std::vector<FileReading> files;
  std::vector<RunTable> settled;    // one a thread: what is to be stored
  std::vector<RunTable> unsettled;  // one a thread: what counts now alone
};

/// How a rollup reads.
struct PlannedReadOptions {
  const SourceOptions& source;
  LogQuery query;
  TimePoint kept_from;  // earlier records are counted, not kept
  std::size_t chunk_bytes = 0;
  std::size_t max_pending = 0;  // ranges of lines that are not settled, over all files
};

/// Reads parts of `files`, ordered by file.
///
/// Shape:  nullopt where a path has become another file, or too many lines are not settled.
/// Errors: Error{source} of the first part that cannot be read.
std::optional<LogReading> read_planned(const std::vector<LogFile>& files,
                                       const std::vector<PlannedPart>& parts,
                                       const PlannedReadOptions& options);

}  // namespace dagloop
