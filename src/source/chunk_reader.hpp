// Private to the source layer: a log file cut into chunks of whole lines, for several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "source/chunk.hpp"

namespace dagloop {

/// A readable record, and its time.
struct TimedLine {
  std::uint64_t line = 0;
  TimePoint at;
  bool operator==(const TimedLine&) const = default;
};

/// Lines of a file that follow one another.
struct LineRange {
  std::uint64_t begin = 0;  // in bytes; without meaning where the file is compressed
  std::uint64_t end = 0;
  std::uint64_t first_line = 0;  // from 1
  std::uint64_t lines = 0;
  std::optional<TimedLine> before = {};  // the last readable record before, where it is kept
  bool operator==(const LineRange&) const = default;
};

/// Returns whether a line holds nothing but spaces: it is none.
bool is_blank(std::string_view line);

/// Opens `path` ("-": standard input). With `records` its lines are the records of its JSON
/// documents (make_record_stream()), in order; without, those of the file: a plain file is read at
/// several places at once, a compressed one or a stream in order.
///
/// Shape:  `chunk_bytes` >= 1 is the size aimed at; a longer line makes a longer chunk, up to
///         kMaxLineBytes. A UTF-8 byte order mark at the start is dropped.
/// Errors: Error{source} when it cannot be opened or is a directory.
std::unique_ptr<ChunkReader> open_chunks(const std::string& path, std::size_t chunk_bytes,
                                         const std::optional<std::string>& records = {});

}  // namespace dagloop
