// When a log ends: `--as-of last`, for a benchmark that is over. Composes source.
#pragma once

#include <optional>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// What the search for a log's last record has found.
struct LastRecord {
  std::optional<TimePoint> created_at;  // none: nothing could be read
  InputCounts read;                     // of the widest search
};

/// Looks for the newest time that is not later than `latest`: that of a valid record, or of a line
/// that could not be read behind it.
///
/// Cost:   a log in files is read once, a database over ranges that grow until one holds a record.
/// Errors: what the source throws.
LastRecord find_last_record(LogSource& source, TimePoint latest);

/// Returns the instant right after the newest time of the configured sources: the end of a window
/// that has all of their lines, read or not.
///
/// Shape:  no rollup store is used, and standard input can be read once more afterwards.
/// Errors: as open_configured_source(), and Error{source} where no record can be read.
TimePoint just_after_last_record(FileSystem& files, const Config& config, const Clock& clock);

}  // namespace dagloop
