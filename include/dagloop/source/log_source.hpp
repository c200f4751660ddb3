// The seam between logs and figures: a source turns a time range into partials.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/error_class.hpp"
#include "dagloop/record/mapping.hpp"
#include "dagloop/source/rollup_store.hpp"

namespace dagloop {

/// How far the reading of files is.
struct ReadProgress {
  std::uint64_t bytes_read = 0;   // before decompression
  std::uint64_t bytes_total = 0;  // 0 where nobody knows, as of standard input
};

/// How logs are read, whatever the source.
struct SourceOptions {
  Mapping mapping;
  ErrorClasses classes;
  Dedupe dedupe = Dedupe::runs;
  CountingRules rules = {};
  unsigned threads = 0;  // 0: one a core
  /// The longest that one statement of a database may take.
  std::chrono::milliseconds statement_timeout{60'000};
  /// Told how far the reading is, now and then; may be empty. Called from any thread, so calls can
  /// overtake one another.
  std::function<void(const ReadProgress&)> progress;
  /// Told what of a directory is left out; may be empty.
  std::function<void(const std::string&)> warn = {};
  /// What was counted before is kept here; null: everything is counted anew. The figures are the
  /// same.
  std::shared_ptr<RollupStore> rollup = nullptr;
  /// How late a row of a database may come: what is older is counted once, and kept.
  Microseconds lateness = std::chrono::hours(1);
};

/// What is asked of a source. The range starts at a slot boundary; its end need not be one: then
/// its last slot is only begun.
struct LogQuery {
  Window range;      // records created outside are counted, not kept
  TimePoint latest;  // a later record is from the future: malformed
  /// Where the caller needs the partials apart: ascending slot boundaries inside the range. A
  /// source may put all runs of a span, which lies between two of them (or before the first), under
  /// one slot, its first. Empty: every slot stands alone.
  std::vector<TimePoint> cuts = {};
  /// The window that is evaluated: InputCounts::window counts its lines. None: the range.
  std::optional<Window> window = {};
  /// Where the users of runs are looked at (KpiPartial::users): from slot boundaries on, which are
  /// cuts where there are any. Files tell users from the first start on; a database, which has to
  /// send each run for that, leaves out those of runs that end elsewhere. Empty: no users are told.
  std::vector<Window> users_in = {};
  /// The first and the last of the times for which sums over runs that began then or later will be
  /// asked for (PartialSet::sum); none: there are no such sums. A source that counts in a database
  /// keeps ages apart only where that makes a difference to them. Where there are cuts, they are
  /// among those behind which all runs of one age began in time.
  std::optional<Window> begun_between = {};

  /// Returns the first start of `users_in`; none: no users are told.
  std::optional<TimePoint> users_from() const {
    if (users_in.empty()) return std::nullopt;
    return std::ranges::min_element(users_in, {}, &Window::start)->start;
  }
};

/// What cuts cost beyond those that the caller needs: nothing to speak of where records are read
/// one by one, a comparison a row and more rows of counts in a database.
enum class CutCost { nothing, each_row };

/// A log. Replaced in tests by a scripted one.
class LogSource {
 public:
  virtual ~LogSource() = default;
  /// Reads the log and returns the partials of the runs that ended in the query's range.
  ///
  /// Errors: Error{source} when anything could not be read: a partial answer is never returned.
  virtual PartialSet read(const LogQuery& query) = 0;
  /// Returns what more cuts would cost.
  virtual CutCost cut_cost() const { return CutCost::each_row; }
  /// Returns a name for messages, without secrets.
  virtual std::string describe() const = 0;
};

/// Opens one or more sources as one log: runs are settled across all files.
///
/// Shape:  `postgresql://...` (PostgresSource) or `clickhouse://...` (ClickHouseSource) alone, or
///         any number of files: a path, a glob (`*`, `?`, `[...]`), a directory (its *.jsonl,
///         rotated or packed), `-` for standard input.
/// Errors: Error{source} when a path or glob matches nothing; Error{usage} for an unknown scheme,
///         or a database beside another source.
std::unique_ptr<LogSource> open_sources(const std::vector<std::string>& uris,
                                        const SourceOptions& options);

/// What is known of sources without opening them.
struct SourceTraits {
  std::string name;  // for messages, without secrets
  CutCost cut_cost = CutCost::nothing;
  bool is_fed = false;  // by whoever writes to standard input, at their pace
};
SourceTraits traits_of(const std::vector<std::string>& uris);

}  // namespace dagloop
