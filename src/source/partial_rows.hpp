// Private to the source layer: the answer of a database that aggregates, row by row -> partials.
// One format for every database.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/error_class.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// What a row of a database's answer says. The enumerators are the words in the answer.
enum class RowKind : std::uint8_t {
  run,     // runs with one plan source, error code and bucket of their durations;
           // n: the 12 counts of KpiPartial, in the order of their declaration, where
           // verification_failed counts the runs with a reason alone
  node,    // attempts of a node (name) with one bucket of their durations;
           // n: attempts, failed, retries, retries succeeded, run_node_pairs
  input,   // valid records; n: run records, node records, duplicates, newest (us since 1970, or -1)
  reject,  // n: rows, the reason (the place of a RejectReason)
  shard,   // a server has answered; n: nothing
};

/// Counts of one row.
using RowCounts = std::array<std::int64_t, 12>;

/// One row. What its kind does not mention is not looked at. Rows of equal names are summed and
/// their counts may be negative, as those of the records that a duplicate takes the place of.
struct PartialRow {
  RowKind kind = RowKind::run;
  TimePoint slot;
  Population population = Population::dag;
  Cohort cohort = Cohort::none;
  std::string name;                    // of the node or the plan source; empty: none
  std::string error_code;              // empty: none
  std::optional<std::int32_t> bucket;  // DurationHistogram::bucket_of; none: without a duration
  RowCounts n{};
};

/// Returns the kind of a word in the answer.
///
/// Errors: Error{source} naming the word: the answer is not of this version.
RowKind parse_row_kind(const std::string& word);

/// Returns the slot that the number of a stretch of time in the answer stands for: behind the n-th
/// cut of the query, 0 before the first; slots since 1970 where the query has no cuts.
TimePoint slot_of_stretch(std::int64_t stretch, const LogQuery& query);

/// Builds partials from rows in any order.
class PartialRows {
 public:
  explicit PartialRows(const ErrorClasses& classes) : classes_(classes) {}

  /// Adds one row.
  ///
  /// Errors: Error{source} for an unknown reason.
  void add(const PartialRow& row);
  /// Returns the partials; durations are in buckets. Order: once, as the last call.
  ///
  /// Errors: Error{source} when a sum is negative: the answer contradicts itself.
  PartialSet finish();

 private:
  using Buckets = std::map<std::int32_t, std::int64_t>;
  struct NodeSums {
    RowCounts n{};
    Buckets buckets;
  };
  struct Sums {
    RowCounts n{};
    Buckets buckets;
    std::map<std::string, std::int64_t> error_codes;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> plan_sources;
    std::map<std::string, NodeSums> nodes;
  };

  static DurationHistogram histogram_of(const Buckets& buckets);
  static KpiPartial partial_of(const Sums& sums);
  void add_runs(const PartialRow& row);
  void add_input(const PartialRow& row);

  const ErrorClasses& classes_;
  std::map<PartialKey, Sums> sums_;
  InputCounts input_;
};

}  // namespace dagloop
