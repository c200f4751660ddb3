// Private to the source layer: parts of log files, and what one thread makes of their lines
// (line_read.cpp).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/record_reader.hpp"
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
  std::vector<LineRange> only = {};   // where one reads the whole file: these lines alone
  std::uint64_t lines_before = 0;     // in the file
  bool follows = false;               // begins where the part before it ends
  bool may_grow = false;              // its records are perhaps half-written
  std::vector<TimedLine> known = {};  // readable records of the file that are not in its parts
  std::optional<std::string> records = {};  // Mapping::records, of a whole file
};

/// A line of a part.
struct PartLine {
  std::size_t part = 0;  // index into the parts
  std::string_view text = {};
  LineRange place = {};  // known by its chunk until all are read (LineNumbers)
};

/// The times of the first and the last readable record of some lines: lines without a time have
/// that of the record before them, else that of the one behind.
struct LineTimes {
  std::optional<TimedLine> first;
  std::optional<TimedLine> last;

  void add(const TimedLine& line) {
    if (!first || line.line < first->line) first = line;
    if (!last || line.line > last->line) last = line;
  }
  void merge(const LineTimes& other);
  bool operator==(const LineTimes&) const = default;
};

/// A malformed line, and what to show of it, which is kept of the first ones alone.
struct MalformedLine {
  RejectedLine rejected;
  ReadFault fault;
  std::optional<TimedLine> before = {};  // the readable record before it
  bool has_waited = false;  // until all was read: `before` is by its number, else by its chunk
  // Its time may be another one day: it shows one of the future, or has that of a record and a line
  // stands between the two that may be a record then.
  bool may_move = false;
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

  // A malformed line before the first readable record of its stretch.
  struct Unplaced {
    PartLine line;
    RejectedLine rejected;
    bool is_of_future = false;
  };

  // The first and last readable record, and line from the future, of lines that follow one another
  // in a chunk.
  struct StretchTimes {
    std::size_t part = 0;
    LineTimes records;
    LineTimes futures;
  };

  void end_stretch();
  void read_line(const PartLine& line, const LogLine& text);
  void read_unread(const PartLine& line, const UnreadLine& unread);
  void set_apart(const PartLine& line, RejectedLine& rejected) const;
  virtual void add(const PartLine& line, const LogRecord& record) = 0;
  /// Takes a line that is no record.
  virtual void add_other() {}
  /// Takes a malformed line; it has no time only where no readable record of its part has one. The
  /// text is gone where it has to wait for that.
  virtual void reject(const PartLine& line, const MalformedLine& malformed) = 0;

  RecordReader reader_;
  StretchTimes stretch_;
  std::vector<StretchTimes> times_;
  std::vector<Unplaced> unplaced_;
  // Of the first unplaced lines of each part, for a store shows the first of each file; those from
  // the future apart, for they may be records when the others are still shown.
  std::map<std::pair<std::size_t, bool>, std::map<std::uint64_t, ReadFault>> faults_;
  std::uint64_t path_hash_ = 0;     // of the file that is read
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

}  // namespace dagloop
