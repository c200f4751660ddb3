// One line of a log, cut but not read. A value that borrows its text.
#pragma once

#include <cstddef>
#include <string_view>

namespace dagloop {

/// Bytes that must be readable behind the end of a line given to RecordReader::read.
inline constexpr std::size_t kLinePadding = 64;

/// One line, without its newline and without a carriage return before that.
struct LogLine {
  std::string_view text;
  bool is_plain = false;  // every byte is printable ASCII and none is a backslash
};

}  // namespace dagloop
