// Private to the record layer: the two loops that nearly all of reading consists of, once for what
// every machine has and once for AVX2. line_kernel() chooses at run time.
#pragma once

#include <cstdint>

#include "record/field.hpp"

namespace dagloop {

class KeyTable;

/// Where a line ends, and what it is made of.
struct LineEnd {
  const char* at;  // its newline, or the end of the text
  bool is_plain;   // every byte before it is printable ASCII and none is a backslash
};

/// A set of functions that do the same.
struct LineKernel {
  /// Finds the end of the line that begins at `at`.
  ///
  /// Shape: at <= end; 64 bytes behind `end` are readable.
  LineEnd (*find_end)(const char* at, const char* end);
  /// Reads the flat line [at, end) as FlatReader::read does.
  ///
  /// Shape: the line is plain; 64 bytes behind `end` are readable.
  bool (*read)(KeyTable& keys, const char* at, const char* end, RawValue& detail);
};

/// The kernels; not every machine can run each.
extern const LineKernel kBaselineKernel;
#ifdef DAGLOOP_HAS_AVX2_KERNEL
extern const LineKernel kAvx2Kernel;
#endif

/// Returns the fastest kernel that this machine can run.
const LineKernel& line_kernel();

}  // namespace dagloop
