// How records become runs: what a run table is told. Values.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/time.hpp"

namespace dagloop {

/// What counts as a duplicate.
enum class Dedupe { runs, records };

/// Whether settled runs are only counted, or given out again with their rows (finish_slots()).
enum class Rows { counted, given_out };

/// How records become runs.
struct RunTableOptions {
  Window range;              // records created outside it are counted, not kept
  std::string outcome_node;  // decides the outcome of a derived run that has it; may be empty
  Dedupe dedupe = Dedupe::runs;
  Rows rows = Rows::counted;  // given out only with Dedupe::runs
  /// Where the partials must be apart: ascending slot boundaries. All runs of a span, which lies
  /// between two of them (or before the first), come under one slot, its first. Empty, as it must
  /// be where rows are given out: every slot stands alone.
  std::vector<TimePoint> cuts = {};
  bool operator==(const RunTableOptions&) const = default;
};

}  // namespace dagloop
