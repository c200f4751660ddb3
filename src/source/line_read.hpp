// Private to the source layer: several threads read parts of log files, line by line. A full scan
// is the reading of one part a file (file_scan.hpp), a read with a store that of what is new
// (rollup_lines.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/record/record_reader.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/chunk_reader.hpp"
#include "source/plain_file.hpp"

namespace dagloop {

/// Which of the workers read one part.
enum class Readers : std::uint8_t {
  all,  // each takes chunks
  one   // the first that comes: its lines have to be counted one after another
};

/// A part of a log file.
struct FilePart {
  std::string path;                      // "-": standard input
  std::optional<PlainRange> bytes = {};  // of a plain file; none: the whole file, packed or not
  Readers readers = Readers::all;
  std::vector<LineRange> only = {};      // where one reads the whole file: these lines alone
  std::optional<TimePoint> before = {};  // of the last readable record before the part
  std::optional<TimePoint> behind = {};  // of the first one of the file, where it is known
  bool follows = false;                  // begins where the part before it ends
};

/// A line of a part.
struct PartLine {
  std::size_t part = 0;  // index into the parts
  std::string_view text = {};
  LineRange place = {};  // known by its chunk until all are read (LineNumbers)
};

/// The readable record that stands first or last, and its time.
struct TimedLine {
  std::uint64_t line = 0;
  TimePoint at;
  bool operator==(const TimedLine&) const = default;
};

/// The times of the first and the last readable record of some lines: lines without a time have
/// that of the record before them, else that of the one behind.
struct LineTimes {
  std::optional<TimedLine> first;
  std::optional<TimedLine> last;

  void add(const TimedLine& line);
  void merge(const LineTimes& other);
  bool operator==(const LineTimes&) const = default;
};

/// A malformed line, and what to show of it, which is kept of the first ones alone.
struct MalformedLine {
  RejectedLine rejected;
  ReadFault fault;
  std::optional<TimePoint> before = {};  // of the readable record before it
};

/// What one thread makes of the lines that it gets.
class LineWorker {
 public:
  LineWorker(const Mapping& mapping, TimePoint latest) : reader_(mapping, latest) {}
  virtual ~LineWorker() = default;

  /// Reads a chunk of `part`, which is the `index`-th; returns how many lines it has.
  std::uint64_t read(const Chunk& chunk, const FilePart& part, std::size_t index);
  /// Returns whether the worker can hold no more: then nothing more is read.
  virtual bool is_full() const { return false; }

 protected:
  /// Returns what was found in a mended field of the record that add() is given.
  ReadFault mended_fault(Field field) const { return reader_.mended_fault(field); }

 private:
  friend class LinePlacing;

  // A malformed line before the first readable record of its chunk.
  struct Unplaced {
    PartLine line;
    RejectedLine rejected;
  };

  // The first and last readable record of a chunk.
  struct ChunkTimes {
    std::size_t part = 0;
    LineTimes times;
  };

  void begin_range(const FilePart& part, std::uint64_t number, std::uint64_t place);
  void read_line(const PartLine& line, const LogLine& text);
  void read_unread(const PartLine& line, const UnreadLine& unread);
  virtual void add(const PartLine& line, const LogRecord& record) = 0;
  /// Takes a malformed line; it has no time only where no readable record of its part has one. The
  /// text is gone where it has to wait for that.
  virtual void reject(const PartLine& line, const MalformedLine& malformed) = 0;

  RecordReader reader_;
  LineTimes chunk_times_;
  std::vector<ChunkTimes> times_;
  std::vector<Unplaced> unplaced_;
  std::map<std::pair<std::size_t, std::uint64_t>, ReadFault> faults_;  // of unplaced ones
  std::uint64_t lines_before_ = 0;  // right where one worker reads all chunks
};

/// The numbers of a part's lines.
class LineNumbers {
 public:
  explicit LineNumbers(std::vector<std::uint64_t> lines_by_chunk);

  /// Returns the number in the part, from 1, of a line that is known by its chunk.
  std::uint64_t of(std::uint64_t line_of_chunk) const;
  /// Returns how many lines there are.
  std::uint64_t count() const { return count_; }

 private:
  std::vector<std::uint64_t> before_;  // by chunk
  std::uint64_t count_ = 0;
};

/// What a reading of parts has come to.
struct PartsRead {
  bool is_whole = true;              // no worker was full, and no path had become another file
  std::vector<LineNumbers> numbers;  // by part, where whole
  std::vector<LineTimes> times;      // by part; lines known by their chunk
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
