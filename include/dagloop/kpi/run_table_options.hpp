// How records become runs: what a run table is told. Values.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/error_class.hpp"

namespace dagloop {

/// What counts as a duplicate.
enum class Dedupe { runs, records };

/// Whether settled runs are only counted, or given out again with their rows (finish_slots()).
enum class Rows { counted, given_out };

/// What becomes of cancelled runs: counted as not succeeded, or left out of all rates.
enum class Cancelled { counted, excluded };
constexpr const char* to_string(Cancelled cancelled) {
  return cancelled == Cancelled::counted ? "counted" : "excluded";
}

/// Which runs count, and as what: configuration, "input". Another rule gives other partials.
struct CountingRules {
  std::set<Status> overdue_statuses{Status::running, Status::compensating};
  Cancelled cancelled = Cancelled::counted;
  std::set<std::string> pipelines = {};  // runs of these alone; empty: all
  bool operator==(const CountingRules&) const = default;
};

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
  CountingRules rules = {};
  ErrorClasses classes = {};
  /// The lines that InputCounts::window counts; none: those of the range.
  std::optional<Window> window = {};
  /// From this slot on runs are counted by user, too; none: no runs are.
  std::optional<TimePoint> users_from = {};
  bool operator==(const RunTableOptions&) const = default;
};

}  // namespace dagloop
