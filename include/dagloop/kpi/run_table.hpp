// Records -> runs -> partials: duplicates, derived runs and node attempts are settled here.
// One table a thread; tables are merged afterwards. Memory grows with the runs and node records in
// the range asked for (about 60 bytes a run), never with the log.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/error_class.hpp"
#include "dagloop/record/record.hpp"

namespace dagloop {

/// What counts as a duplicate.
enum class Dedupe { runs, records };

/// How records become runs.
struct RunTableOptions {
  Window range;              // records created outside it are counted, not kept
  std::string outcome_node;  // decides the outcome of a derived run that has it; may be empty
  Dedupe dedupe = Dedupe::runs;
  bool operator==(const RunTableOptions&) const = default;
};

/// Collects records in any order and yields partials that do not depend on it.
class RunTable {
 public:
  explicit RunTable(RunTableOptions options);
  ~RunTable();
  RunTable(RunTable&&) noexcept;
  RunTable& operator=(RunTable&&) noexcept;

  /// Adds one record. `line` is the bytes that Dedupe::records compares (identical lines are one).
  void add(const LogRecord& record, std::string_view line);
  /// Counts one malformed line.
  void reject(const std::string& file, std::uint64_t line_number, RejectReason reason);
  /// Takes over everything that `other`, of the same options, holds. Associative and commutative.
  void merge(RunTable&& other);

  /// Settles the runs and returns the partials, by slot of the run's end.
  ///
  /// Shape:  a run's end is its standing run record's created_at (latest; on a tie a final status
  ///         over a non-final one), or max(end) of its node records where it has no run record.
  /// Order:  once, as the last call.
  /// Cost:   O(n log n) in the node records kept.
  /// Source: data contract, "Records".
  PartialSet finish(const ErrorClasses& classes);
  /// Settles the runs of several tables of the same options as one, with that many threads.
  ///
  /// Shape: at least one table, at least one thread; otherwise as above.
  static PartialSet finish(std::vector<RunTable> tables, const ErrorClasses& classes,
                           unsigned threads);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
