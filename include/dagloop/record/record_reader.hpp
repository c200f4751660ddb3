// One line of a log -> a record, or why it is malformed and what it shows all the same. The home of
// simdjson. A reader is used by one thread; make one a thread.
#pragma once

#include <memory>
#include <string_view>

#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/log_line.hpp"
#include "dagloop/record/mapping.hpp"
#include "dagloop/record/record.hpp"
#include "dagloop/record/unread_line.hpp"

namespace dagloop {

/// Lines longer than this are malformed (1 MiB).
inline constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

/// Cuts the first line off `rest`, which begins with the next one afterwards.
///
/// Shape: kLinePadding bytes behind `rest` are readable; the last line may lack its newline.
LogLine cut_line(std::string_view& rest);

/// Reads lines.
class RecordReader {
 public:
  /// Shape: `latest` is the clock plus the allowed skew: a later record is from the future.
  RecordReader(const Mapping& mapping, TimePoint latest);
  ~RecordReader();
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;

  /// Reads one line (without its newline; a trailing CR is ignored).
  ///
  /// Shape:  the whole line is validated as JSON (RFC 8259, UTF-8); of a repeated key the last
  ///         counts; fields outside the contract are never looked at beyond being valid JSON. A
  ///         number beyond the range of a double is not accepted as JSON.
  /// Order:  kLinePadding bytes behind `line` are readable; the result lives until the next read,
  ///         and its views until then or the end of the line's buffer.
  /// Errors: none thrown: a bad line is an UnreadLine.
  const ReadResult& read(std::string_view line);
  /// Reads one line that cut_line() has given, which saves looking at it once more.
  const ReadResult& read_line(const LogLine& line);
  /// Reads a line behind which nothing need be readable, such as the row of a database.
  ///
  /// Order: the result and its views live until the next read.
  const ReadResult& read_copy(std::string_view line);

  /// Returns what was found in a mended field of the record read last, and what is wanted.
  ///
  /// Shape: `field` is in `mended` of that record.
  /// Order: after a read that gave a record, before the next one, while the line is there.
  ReadFault mended_fault(Field field) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
