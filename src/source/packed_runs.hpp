// Private to the source layer: what a database makes of a row in one look at it. Every field that
// decides where a row counts is a digit of one whole number, so that the database groups by one
// cheap value; what the digits mean together is said here, once a group. Each query packs runs this
// way, those of a table and those that are settled, and each database answers in the same rows.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/mapping.hpp"
#include "source/partial_rows.hpp"

namespace dagloop {

/// Where the digits of a kind stand: the value of a digit is shifted left by so many bits.
namespace packed {
inline constexpr int kDuration = 0;       // 20 bits: 0 none, or 1 + the upper 19 bits of the double
inline constexpr int kStatus = 20;        // 4 bits: 0 absent, Status + 1, 9 timed out, 15 unknown
inline constexpr int kCohort = 24;        // 3 bits: Cohort, and 4 where it was mended
inline constexpr int kCompensation = 27;  // 4 bits: CompensationStatus, and 8 where it was mended
inline constexpr int kPopulation = 31;    // 1 bit: Population
inline constexpr int kNoKey = 32;         // 1 bit: neither pipeline_run_id nor request_id
inline constexpr int kNode = 33;          // 1 bit: a node record
inline constexpr int kManual = 34;        // 1 bit: manual_required by another record of the run
inline constexpr int kAge = 35;           // 4 bits: AgeClass
inline constexpr int kTime = 39;          // 0 absent, 1 bad, 2 future, 3 set aside, or span + 4

inline constexpr std::int64_t kNotFinite = 1 + (std::int64_t{0x7ff} << 7);  // as infinity has it
inline constexpr std::int64_t kNegative = 1 + (std::int64_t{1} << 18);      // the sign
inline constexpr std::int64_t kTimedOut = 9;  // failed, and of kTimeoutCode where there is no code
inline constexpr std::int64_t kUnknownStatus = 15;
inline constexpr std::int64_t kMendedCohort = 4;
inline constexpr std::int64_t kMendedCompensation = 8;
inline constexpr std::int64_t kBadTime = 1;
inline constexpr std::int64_t kFutureTime = 2;
inline constexpr std::int64_t kAside = 3;  // at or after the end of the range
inline constexpr std::int64_t kFirstSpan = 4;

/// Returns the digit of a value; 0 stands for none.
constexpr std::int64_t digit_of(Status status) { return static_cast<std::int64_t>(status) + 1; }
constexpr std::int64_t digit_of(CompensationStatus status) {
  return static_cast<std::int64_t>(status);
}
constexpr std::int64_t digit_of(Cohort cohort) { return static_cast<std::int64_t>(cohort); }

/// The last of the digits of statuses that are final, and of all.
inline constexpr std::int64_t kLastFinal = digit_of(Status::skipped);
inline constexpr std::int64_t kLastStatus = digit_of(Status::compensating);
static_assert(is_final(Status::skipped) && !is_final(Status::running));
static_assert(kLastStatus < kTimedOut);

/// Words with their digits. Those of one value stand together, for a database compares one after
/// the other, and what succeeded is usual.
using WordDigits = std::vector<std::pair<std::string_view, std::int64_t>>;
template <typename Value, std::size_t kCount>
WordDigits digits_of(const std::array<Word<Value>, kCount>& words) {
  WordDigits digits;
  for (const Word<Value>& word : words) digits.emplace_back(word.text, digit_of(word.value));
  std::ranges::stable_sort(digits, {}, &WordDigits::value_type::second);
  return digits;
}
/// Returns those of `status`, where words of kTimeoutWords have kTimedOut.
WordDigits status_digits();

/// How a field that holds one of some words becomes a digit. Words are read in any case, without
/// the spaces around them; where a text is not as it should be, `mended` is added to the digit.
struct WordForm {
  WordDigits words;
  WordDigits usual;          // those that are worth to be looked for first, as they are
  std::int64_t unknown = 0;  // of a text that is none of the words
  std::int64_t mended = 0;
  int place = 0;  // the digit is shifted to it
};
/// Returns the forms of the three fields that are counted by their words.
WordForm status_form(int place);
WordForm compensation_form(int place);
WordForm cohort_form(int place);

/// Returns the digits of statuses that make a run fail, of those that KpiPartial::open_runs has,
/// and of runs that are in the rates; with commas. -1 where there is none.
std::string bad_statuses();
std::string open_statuses(const CountingRules& rules);
std::string rated_statuses(const CountingRules& rules);
}  // namespace packed

/// Returns the least and the largest that a count may be.
constexpr std::pair<std::int64_t, std::int64_t> limits_of_count(Field field) {
  if (field == Field::attempt) return {1, kMaxAttempt};
  return {0, field == Field::fanout_index ? kMaxFanoutIndex : kMaxCount};
}

/// What is counted, and how.
struct CountScope {
  const Mapping& mapping;
  const CountingRules& rules;
  const LogQuery& query;
  const ErrorClasses& classes;
};

/// Rows of equal digits and texts, counted.
struct PackedRuns {
  std::int64_t kind = 0;
  std::string plan_source;
  std::string error_code;
  std::string pipeline;
  // Of rows: field_bits() of what the digits do not say. Of settled runs: UnreadBits.
  std::int64_t mended = 0;
  std::int64_t open_us = -1;  // of open_statuses(): the time, since 1970
  std::int64_t runs = 0;
  std::int64_t unverified = 0;
  std::int64_t fallback = 0;
  std::int64_t reused = 0;
  std::int64_t fanout_failed = 0;
  std::int64_t fanout_total = 0;
  std::int64_t tokens = 0;
  std::int64_t with_tokens = 0;
  std::int64_t cost = 0;
  std::int64_t with_cost = 0;
  std::int64_t newest_us = -1;  // since 1970
};

/// The counts of packed rows, in the order in which answers have them.
inline constexpr std::array kPackedCounts{
    &PackedRuns::runs,      &PackedRuns::unverified,    &PackedRuns::fallback,
    &PackedRuns::reused,    &PackedRuns::fanout_failed, &PackedRuns::fanout_total,
    &PackedRuns::tokens,    &PackedRuns::with_tokens,   &PackedRuns::cost,
    &PackedRuns::with_cost, &PackedRuns::newest_us};

/// What packed rows are.
enum class PackedUse {
  rows,     // of a table, duplicates counted as runs
  lost,     // run records that do not stand: they are taken back
  derived,  // runs without a run record
  poorer,   // runs of which their node records say more: they are taken back...
  richer,   // ...and counted with that
};

/// The words that answers have for it.
inline constexpr std::array<Word<PackedUse>, 5> kPackedWords{{{"packed", PackedUse::rows},
                                                              {"lost", PackedUse::lost},
                                                              {"derived", PackedUse::derived},
                                                              {"poorer", PackedUse::poorer},
                                                              {"richer", PackedUse::richer}}};

/// The word of rows of what could not be read, by span, population and cohort; n: runs, attempts.
inline constexpr std::string_view kUnreadWord = "unread";

/// One row of a database's answer, in the order of its columns. Of packed rows `number` is the kind
/// and `name` the plan source; of others it is the span, and they are as PartialRow has them.
struct AnswerRow {
  std::string word;  // of PackedUse, else of RowKind
  std::int64_t number = 0;
  std::int64_t population = 0;
  std::int64_t cohort = 0;
  std::string name;
  std::string error_code;
  std::string pipeline;
  std::int64_t bucket = -1;   // -1: none
  std::int64_t mended = 0;    // as PackedRuns; of attempts: the age class of their run
  std::int64_t open_us = -1;  // likewise
  std::array<std::int64_t, kPackedCounts.size()> n{};
};
static_assert(kAttemptCounts.size() <= kPackedCounts.size());

/// Is given partial rows, one after the other.
using RowSink = std::function<void(const PartialRow&)>;

/// Gives `sink` what packed rows are: runs and input, node records (as input alone), or rejects,
/// for the reason that build_record() would give.
///
/// Errors: Error{source} for digits that mean nothing.
void add_packed(const PackedRuns& packed, PackedUse use, const CountScope& scope,
                const RowSink& sink);

/// Gives `sink` what a row of an answer says.
///
/// Errors: Error{source} for a word or digits that mean nothing.
void add_answer(const AnswerRow& answer, const CountScope& scope, const RowSink& sink);

}  // namespace dagloop
