// Records -> runs -> partials: duplicates, derived runs and node attempts are settled here.
// One table a thread; tables are merged afterwards. Memory grows with the runs and node records in
// the range asked for (about 60 bytes a run), never with the log.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/run_table_options.hpp"
#include "dagloop/kpi/settled_slot.hpp"
#include "dagloop/record/record.hpp"
#include "dagloop/record/unread_line.hpp"

namespace dagloop {

/// 128 bits that stand for a run, or for a line that shows none.
struct RunKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const RunKey&) const = default;
};

/// A malformed line without its text.
struct RejectedLine {
  RejectReason reason = RejectReason::not_json_object;
  Cohort cohort = Cohort::none;
  RunKey key;
  std::optional<TimePoint> at;  // none: at the end of the range
  bool may_be_attempt = true;   // else it is no node record
};

/// Returns what stands for a malformed line: two lines with the same bytes are one.
RejectedLine rejected_line(const UnreadLine& unread, std::string_view line);

/// Collects records in any order and yields partials that do not depend on it.
class RunTable {
 public:
  explicit RunTable(RunTableOptions options);
  ~RunTable();
  RunTable(RunTable&&) noexcept;
  RunTable& operator=(RunTable&&) noexcept;

  /// Adds one record. `line` is the bytes that Dedupe::records compares (identical lines are one).
  void add(const LogRecord& record, std::string_view line);
  /// Counts a line that a mapping says is no record.
  void add_other();
  /// Counts one malformed line, and keeps its run (or the line, where it shows none) until it is
  /// settled: where the run has a final run record, it changes no outcome, but may be one of
  /// KpiPartial::unread_attempts; else it is one of KpiPartial::unread_runs. Without a time it
  /// counts at the end of the range.
  void reject(const std::string& file, std::uint64_t line_number, const UnreadLine& unread,
              std::string_view line);
  /// The same; `fault` is shown, should the line be among the first.
  void reject(const std::string& file, std::uint64_t line_number, const RejectedLine& line,
              const ReadFault& fault);
  /// Takes a malformed line that is counted elsewhere: only its run counts here.
  void add_unread(const RejectedLine& line);
  /// Returns whether a mended line is among the first so far: then show_mended() is worth it.
  bool shows_mended(const std::string& file, std::uint64_t line_number) const;
  /// Shows a mended field of a record, which add() has counted.
  void show_mended(MendedExample example);

  /// Settles the runs and returns the partials, by slot of the run's end.
  ///
  /// Shape:  a run's end is its standing run record's created_at (latest; on a tie a final status
  ///         over a non-final one), or max(end) of its node records where it has no run record.
  /// Order:  once, as the last call.
  /// Cost:   O(n log n) in the node records kept.
  /// Source: data contract, "Records".
  PartialSet finish();
  /// Settles the runs of several tables of the same options as one, with that many threads.
  ///
  /// Shape: at least one table, at least one thread; otherwise as above.
  static PartialSet finish(std::vector<RunTable> tables, unsigned threads);

  /// Takes in the runs of a settled slot, as far as their records lie in the range.
  ///
  /// Shape:  `rows` of a SettledSlot, with its slot; the range may start later than the one that it
  ///         was settled with, but ends behind all of its records (one that stands hides earlier
  ///         ones). The records were counted when they were read first and are not counted as read
  ///         again; duplicates among them are.
  /// Errors: false, perhaps after some runs, for bytes that are no rows of a slot.
  bool add_slot(TimePoint slot, std::string_view rows);
  /// Appends the key prefixes (4 bytes each, as in SettledSlot) of all runs. Order: before
  /// finish_slots().
  void append_key_prefixes(std::vector<std::uint32_t>& prefixes);
  /// Returns whether a run of a settled slot's `rows` is in the table; also where the rows are
  /// damaged.
  bool shares_run(std::string_view rows);
  /// Settles the runs of several tables of the same options as one and gives them out by slot, in
  /// order of time.
  ///
  /// Shape:  the tables' options have Rows::given_out.
  /// Order:  once, instead of finish().
  static void finish_slots(std::vector<RunTable> tables, unsigned threads,
                           const std::function<void(SettledSlot&&)>& take);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
