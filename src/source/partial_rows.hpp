// Private to the source layer: the answer of a database that aggregates, row by row -> partials.
// One format for every database. Rows are added, taken away again, and kept between ticks.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/error_class.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// What a row of a database's answer says. The enumerators are the words in the answer.
enum class RowKind : std::uint8_t {
  run,     // runs with one plan source, error code and bucket of their durations;
           // n: those of kRunCounts, where verification_failed counts the runs with a reason alone
  node,    // attempts of a node (name) with one bucket of their durations;
           // n: those of kAttemptCounts
  input,   // valid records; n: run records, node records, duplicates, newest (us since 1970, or
           // -1), set aside
  reject,  // n: rows, the reason (the place of a RejectReason), newest as of input
  lines,   // of a span and cohort; n: all, those that could not be read, and of these those without
           // a time of the past
  mended,  // n: rows, the field
  shard,   // a server has answered; n: nothing
};

/// Counts of one row.
using RowCounts = std::array<std::int64_t, kRunCounts.size()>;

/// One row. What its kind does not mention is not looked at. Rows of equal names are summed and
/// their counts may be negative, as those of the records that a duplicate takes the place of.
struct PartialRow {
  RowKind kind = RowKind::run;
  TimePoint slot;
  Population population = Population::dag;
  Cohort cohort = Cohort::none;
  AgeClass age = {};                   // of runs that are over, and of attempts
  std::string name;                    // label of the node or the plan source; empty: none
  LabelledCode code = {};              // its label is empty: none; of attempts: the plan source of
                                       // their run
  std::string pipeline;                // label; empty: none; of attempts: of their run
  std::int64_t open_us = -1;           // of runs in flight that may be overdue: since 1970; these
                                       // have a plan source and a pipeline, too
  std::optional<std::int32_t> bucket;  // DurationHistogram::bucket_of; none: without a duration
  RowCounts n{};
};

/// Returns the kind of a word in the answer.
///
/// Errors: Error{source} naming the word: the answer is not of this version.
RowKind parse_row_kind(const std::string& word);

/// Returns the slot that the number of a span in the answer stands for: behind the n-th cut of the
/// query, 0 before the first; slots since 1970 where the query has no cuts.
TimePoint slot_of_span(std::int64_t span, const LogQuery& query);

/// Whether rows are added, or taken away.
enum class RowSign { plus, minus };

/// Sums of partial rows, in any order. What they are sums over may be moved: a span is known by its
/// number. A value type.
class RowSums {
 public:
  /// Adds or takes away one row, of the answer to `query`. Times are not summed: the newest of what
  /// is added is kept beside.
  void add(const PartialRow& row, const LogQuery& query, RowSign sign = RowSign::plus);
  /// Adds or takes away other sums. The newest is that of whatever is added.
  void add(const RowSums& other, RowSign sign);
  /// Returns the partials, as an answer to `query`; durations are in buckets.
  ///
  /// Errors: Error{source} for an unknown reason, or when a sum is negative: the answer contradicts
  ///         itself.
  PartialSet partials(const LogQuery& query) const;

  /// Returns whether no sum is negative. One that is tells that a row was taken away that had never
  /// been added.
  bool are_possible() const;

  /// The newest times of rows: since 1970, or -1.
  struct Newest {
    std::int64_t record_us = -1;
    std::int64_t unread_us = -1;  // of those that could not be read
    bool operator==(const Newest&) const = default;
  };

  const Newest& newest() const { return newest_; }
  void set_newest(const Newest& newest) { newest_ = newest; }

  void encode(ByteWriter& bytes) const;
  /// Errors: nullopt for bytes that encode() does not give.
  static std::optional<RowSums> decode(ByteReader& bytes);
  bool operator==(const RowSums&) const = default;

 private:
  struct Name {
    RowKind kind = RowKind::run;
    std::int64_t span = 0;
    Population population = Population::dag;
    Cohort cohort = Cohort::none;
    AgeClass age;
    std::string text;
    LabelledCode code;
    std::string pipeline;
    std::int64_t open_us = -1;
    std::optional<std::int32_t> bucket;  // of a reject: the reason; of mended rows: the field
    auto operator<=>(const Name&) const = default;
  };
  using Rows = std::map<Name, RowCounts>;
  struct Total;
  struct Alike;

  static KpiPartial sum_of_runs(Rows::const_iterator from, Rows::const_iterator to);
  static void add_attempts(const Name& name, const RowCounts& counts,
                           std::map<Stratum, std::array<std::int64_t, 2>>& strata);
  static KpiPartial sum_of_nodes(Rows::const_iterator from, Rows::const_iterator to);
  void add_counts(const Name& name, const RowCounts& counts, RowSign sign);
  static void add_input(const Name& name, const RowCounts& counts, InputCounts& input);

  Rows rows_;
  Newest newest_;
};

}  // namespace dagloop
