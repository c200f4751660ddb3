// Private to the record layer: reads the lines that logs are mostly made of, quickly: one flat JSON
// object of plain ASCII text, short numbers, true, false and null. Whatever else a line may hold,
// it says so and leaves the line to the general parser. Nothing is guessed without being compared:
// a wrong guess of the next key costs time, never a value. For one thread.
#pragma once

#include <string_view>

#include "dagloop/record/log_line.hpp"
#include "record/field.hpp"
#include "record/key_table.hpp"
#include "record/line_kernel.hpp"

namespace dagloop {

/// Reads flat lines.
class FlatReader {
 public:
  /// Shape: `columns` are the names that are kept, `detail_column` one more or empty; lines are
  ///        read into `raw`; `kernel` is one that this machine can run. Refers to columns and raw.
  FlatReader(const NameTable& columns, std::string_view detail_column, RawFields& raw,
             const LineKernel& kernel = line_kernel())
      : keys_(columns, detail_column, raw), kernel_(&kernel) {}

  /// Reads one line, and the detail column's value into `detail`.
  ///
  /// Shape:  kLinePadding bytes behind the line are readable. Returns false, with the fields and
  ///         `detail` in any state, where the line is not as simple as this reader wants it, valid
  ///         or not; true only where the line is valid JSON and every value is that of the general
  ///         parser.
  bool read(const LogLine& line, RawValue& detail) {
    const char* const begin = line.text.data();
    return line.is_plain && kernel_->read(keys_, begin, begin + line.text.size(), detail);
  }

 private:
  KeyTable keys_;
  const LineKernel* kernel_;
};

}  // namespace dagloop
