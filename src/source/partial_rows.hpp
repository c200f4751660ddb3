// Private to the source layer: the answer of a database that aggregates, row by row -> partials.
// One format for every database; docs/formats.md, "Partial rows".
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// What a row of a database's answer says. The enumerators are the printed words.
enum class RowKind : std::uint8_t {
  run,            // n: the 12 counts of KpiPartial, in the order of their declaration
  error_code,     // name; n: runs
  plan_source,    // name; n: runs, succeeded
  node,           // name; n: attempts, failed, retries, retries succeeded, run_node_pairs
  latency,        // n: bucket of DurationHistogram, durations in it
  duration,       // n: a duration's IEEE 754 bits, how many are equal to it
  node_latency,   // name (the node); as latency
  node_duration,  // name (the node); as duration
  input,   // n: records, run records, node records, duplicates, newest (us since 1970, or -1)
  reject,  // name (a RejectReason's word); n: rows
};

/// One row. What its kind does not mention is not looked at.
struct PartialRow {
  RowKind kind = RowKind::run;
  TimePoint slot;
  Population population = Population::dag;
  Cohort cohort = Cohort::none;
  std::string name;
  std::array<std::int64_t, 12> n{};
};

/// Returns the kind of a printed word.
///
/// Errors: Error{source} naming the word: the answer is not of this version.
RowKind parse_row_kind(const std::string& word);

/// Builds partials from rows in any order.
class PartialRows {
 public:
  /// Adds one row.
  ///
  /// Shape:  a group's durations come either as `duration` rows or, when they are more than
  ///         DurationHistogram::kExactLimit, as `latency` rows, never both.
  /// Errors: Error{source} for a negative count, an unknown reason, a duration that is none.
  void add(const PartialRow& row);
  /// Returns the partials. Order: once, as the last call.
  ///
  /// Errors: Error{source} when a group of few durations came as buckets.
  PartialSet finish();

 private:
  using Buckets = std::map<std::int32_t, std::uint64_t>;
  using Owner = std::pair<PartialKey, std::string>;  // the node; empty: the runs themselves

  void add_input(const PartialRow& row);
  DurationHistogram& histogram_of(const Owner& owner);

  PartialSet set_;
  std::map<Owner, Buckets> buckets_;
};

}  // namespace dagloop
