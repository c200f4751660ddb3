// The KPI partial: the one mergeable value between every source and every KPI. Value types.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/age_class.hpp"
#include "dagloop/kpi/histogram.hpp"
#include "dagloop/kpi/stratum.hpp"
#include "dagloop/kpi/user_sums.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/record.hpp"
#include "dagloop/record/status.hpp"

namespace dagloop {

/// Attempts of one node over some runs.
struct NodePartial {
  std::uint64_t attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::uint64_t retries = 0;  // attempts with attempt > 1
  std::uint64_t retries_succeeded = 0;
  std::uint64_t run_node_pairs = 0;  // distinct pairs of run and fan-out item that have the node
  DurationHistogram latency;

  void merge(const NodePartial& other);
  bool operator==(const NodePartial&) const = default;
};

/// The counts of a node's attempts, in the one order in which bytes and rows of databases have
/// them.
inline constexpr std::array kAttemptCounts{&NodePartial::attempts, &NodePartial::failed_attempts,
                                           &NodePartial::retries, &NodePartial::retries_succeeded,
                                           &NodePartial::run_node_pairs};

/// Runs of one plan source, or of one pipeline.
struct PlanSourcePartial {
  std::uint64_t runs = 0;
  std::uint64_t succeeded = 0;
  void merge(const PlanSourcePartial& other);
  bool operator==(const PlanSourcePartial&) const = default;
};

/// Counts and durations of a set of runs. The default value is the neutral element of merge.
struct KpiPartial {
  std::uint64_t total_runs = 0;  // final runs
  std::uint64_t succeeded = 0;
  std::uint64_t in_flight = 0;     // outside total_runs
  std::uint64_t derived_runs = 0;  // of total_runs, those without a run record
  std::uint64_t verification_failed = 0;
  std::uint64_t fallback = 0;
  std::uint64_t compensation_failed = 0;
  std::uint64_t compensation_total = 0;
  std::uint64_t manual_required = 0;
  std::uint64_t idempotent_reuse = 0;
  std::uint64_t fanout_failed = 0;
  std::uint64_t fanout_total = 0;
  std::uint64_t skipped_runs = 0;       // outside total_runs
  std::uint64_t cancelled_runs = 0;     // of total_runs, unless they are excluded from it
  std::uint64_t succeeded_unaided = 0;  // of succeeded, those without a fallback
  std::uint64_t unread_runs = 0;        // distinct runs or lines that could not be read, and may
                                        // change an outcome; outside total_runs, unless it is only
                                        // of which cohort, population or pipeline the run is
  std::uint64_t tokens = 0;             // in and out
  std::uint64_t runs_with_tokens = 0;   // of total_runs, those that say so
  std::uint64_t cost_micros = 0;
  std::uint64_t runs_with_cost = 0;
  std::uint64_t runs_without_tries = 0;  // of total_runs, those whose earlier tries the source does
                                         // not know; then attempts are null, never 0
  std::uint64_t unread_attempts = 0;     // lines that could not be read, and may each be an attempt
                                         // beside those of `nodes` and one of each unread run
  std::uint64_t unread_durations = 0;    // of total_runs, those whose duration could not be read
  std::uint64_t unread_codes = 0;        // of those that did not succeed, likewise
  std::uint64_t unread_compensations = 0;                           // of total_runs, likewise
  std::array<std::uint64_t, kErrorClasses.size()> error_classes{};  // of codes as written
  std::map<std::string, std::uint64_t> error_codes;  // by label, bounded by bound_labels()
  std::set<std::string> named_codes;  // of error_codes, those that the error classes name
  std::map<std::string, NodePartial> nodes;
  std::map<std::string, PlanSourcePartial> plan_sources;
  std::map<std::string, PlanSourcePartial> pipelines;
  std::map<Stratum, StratumPartial> strata;  // of DAG runs alone, also of those that are open
  /// Of each run in flight that may become overdue, the time of its newest record; ascending.
  std::vector<TimePoint> open_runs;
  /// Of total_runs, by user; only of DAG runs that ended since RunTableOptions::users_from.
  UserSums users;
  DurationHistogram latency;

  /// Counts runs that failed by a code. Order: bound_labels() behind the last one.
  void add_code(const std::string& label, const CodeClass& of, std::uint64_t runs);
  /// Leaves a name to named_codes, and to kMostLabels of each kind: those of the smallest hashes,
  /// as in UserSums, so that those of a sum do not depend on its parts. The rest is kOtherLabel.
  void bound_labels();

  /// Adds `other`. Associative and commutative, but for users outside of the sample.
  void merge(const KpiPartial& other);
  bool operator==(const KpiPartial&) const = default;
};

/// The counts of runs, in the one order in which bytes and rows of databases have them.
inline constexpr std::array kRunCounts{&KpiPartial::total_runs,
                                       &KpiPartial::succeeded,
                                       &KpiPartial::in_flight,
                                       &KpiPartial::derived_runs,
                                       &KpiPartial::verification_failed,
                                       &KpiPartial::fallback,
                                       &KpiPartial::compensation_failed,
                                       &KpiPartial::compensation_total,
                                       &KpiPartial::manual_required,
                                       &KpiPartial::idempotent_reuse,
                                       &KpiPartial::fanout_failed,
                                       &KpiPartial::fanout_total,
                                       &KpiPartial::skipped_runs,
                                       &KpiPartial::cancelled_runs,
                                       &KpiPartial::succeeded_unaided,
                                       &KpiPartial::unread_runs,
                                       &KpiPartial::tokens,
                                       &KpiPartial::runs_with_tokens,
                                       &KpiPartial::cost_micros,
                                       &KpiPartial::runs_with_cost,
                                       &KpiPartial::runs_without_tries,
                                       &KpiPartial::unread_attempts,
                                       &KpiPartial::unread_durations,
                                       &KpiPartial::unread_codes,
                                       &KpiPartial::unread_compensations};

/// Returns the place of one of them in that order.
constexpr std::size_t place_of(std::uint64_t KpiPartial::*count) {
  std::size_t place = 0;
  while (kRunCounts.at(place) != count) ++place;
  return place;
}

/// What a partial is about: a 5-minute slot of run ends, a population, a cohort, and how long ago
/// the runs had begun then. What is not over is in the first age class, and so are runs of a
/// database whose age nobody asks for (LogQuery::begun_between).
struct PartialKey {
  TimePoint slot;
  Population population = Population::dag;
  Cohort cohort = Cohort::none;
  AgeClass age = {};
  auto operator<=>(const PartialKey&) const = default;
};

/// A malformed line that is shown to the operator.
struct MalformedExample {
  std::string file;
  std::uint64_t line = 0;  // from 1
  RejectReason reason = RejectReason::not_json_object;
  std::optional<Field> field = {};  // none: the line as a whole
  std::string found = {};           // "a number", masked and cut
  std::string wanted = {};          // "a time as text (RFC 3339)"
  std::string mapping = {};         // that would read it; empty where none can
  auto operator<=>(const MalformedExample&) const = default;
};

/// A field of a valid line that was taken in another form, or left out.
struct MendedExample {
  std::string file;
  std::uint64_t line = 0;  // from 1
  Field field = Field::request_id;
  std::string found = {};
  std::string wanted = {};
  auto operator<=>(const MendedExample&) const = default;
};

/// Lines, and how many of them could not be read.
struct LineShare {
  std::uint64_t lines = 0;
  std::uint64_t unread = 0;

  void merge(const LineShare& other);
  bool operator==(const LineShare&) const = default;
};

/// Lines of some range of time; by cohort, where a line shows one. A line without a time has that
/// of the readable one before it in its file, else of that after it.
struct RangeLines {
  LineShare all;
  LineShare canary;
  LineShare control;

  /// Counts lines of a cohort.
  void add(Cohort cohort, const LineShare& line);
  void merge(const RangeLines& other);
  bool operator==(const RangeLines&) const = default;
};

/// Makes `kept` the later of itself and `time`.
inline void keep_latest(const std::optional<TimePoint>& time, std::optional<TimePoint>& kept) {
  if (time && (!kept || *time > *kept)) kept = time;
}

/// What was read, of whatever window.
struct InputCounts {
  static constexpr std::size_t kMaxExamples = 5;

  std::uint64_t records = 0;  // lines, malformed ones included; blank lines are none
  std::uint64_t run_records = 0;
  std::uint64_t node_records = 0;
  std::uint64_t other_lines = 0;  // that a mapping says are no records
  std::uint64_t duplicates = 0;
  std::uint64_t malformed = 0;
  std::uint64_t out_of_range = 0;  // valid, but outside the time range asked for
  std::uint64_t set_aside = 0;     // of them, those at or after its end
  std::uint64_t without_time = 0;  // malformed rows of a database without a time of the past: no
                                   // order says when they were written, so all windows have them
  std::map<RejectReason, std::uint64_t> malformed_by_reason;
  std::map<Field, std::uint64_t> mended_by_field;
  std::vector<MalformedExample> examples;      // the first by file and line
  std::vector<MendedExample> mended_examples;  // the first by file, line and field
  std::optional<TimePoint> newest_record;      // of the valid ones before the end of the range
  std::optional<TimePoint> newest_unread;      // of the malformed lines that have a time, likewise
  RangeLines window;                           // lines of LogQuery::window

  /// Counts one malformed line.
  void reject(MalformedExample example);
  /// Adds `other`. Associative and commutative.
  void merge(const InputCounts& other);
  bool operator==(const InputCounts&) const = default;
};

/// All partials of a read, with what was read.
struct PartialSet {
  std::map<PartialKey, KpiPartial> partials;
  InputCounts input;

  /// Adds `other` (of disjoint runs). Associative and commutative.
  void merge(const PartialSet& other);
  /// Marks every run as one whose earlier tries are not known: the source has the last try alone.
  void forget_tries();
  /// Returns the sum over the slots in `window`, of one cohort or (nullopt) of all; with
  /// `begun_from` only of runs that surely began then or later (AgeClass::surely_began()).
  ///
  /// Shape: the window's start is a slot boundary, else a caller's bug; so is its end, unless it
  ///        is the end of what was read (what is set aside then lies behind it).
  KpiPartial sum(const Window& window, Population population,
                 std::optional<Cohort> cohort = std::nullopt,
                 std::optional<TimePoint> begun_from = std::nullopt) const;
  bool operator==(const PartialSet&) const = default;
};

}  // namespace dagloop
