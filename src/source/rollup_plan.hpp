// Private to the source layer: which parts of log files have to be read, given what was read
// before.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "source/rollup_format.hpp"
#include "source/rollup_lines.hpp"

namespace dagloop {

/// What can be done with what is stored.
enum class PlanState {
  ready,
  rebuild,   // records that were stored are gone or others: begin anew
  unusable,  // a path is no regular file, or changes at this moment: read without a store
};

/// What has to be read.
struct RollupPlan {
  PlanState state = PlanState::ready;
  TimePoint kept_from;         // later than before where a file is gone whose records were earlier
  std::vector<LogFile> files;  // those of the paths, in order, then files remembered
  std::size_t path_count = 0;
  std::vector<PlannedPart> parts;
  std::vector<std::uint64_t> consumed;  // by file: bytes that are consumed after the reading
};

/// Compares the paths with the files of `root`.
///
/// Errors: Error{source} when a file cannot be read.
RollupPlan plan_read(const RollupRoot& root, const std::vector<std::string>& paths,
                     const Window& range, unsigned threads);

/// Brings `plan.files` up to what was read; returns false where a path has become another file.
/// Errors: as above.
bool take_reading(RollupPlan& plan, const LogReading& reading, unsigned threads);

}  // namespace dagloop
