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

#include "dagloop/record/contract_words.hpp"
#include "source/partial_rows.hpp"

namespace dagloop {

/// Where the digits of a kind stand: the value of a digit is shifted left by so many bits.
namespace packed {
inline constexpr int kDuration = 0;       // 20 bits: 0 none, or 1 + the upper 19 bits of the double
inline constexpr int kStatus = 20;        // 4 bits: 0 absent, Status + 1, 15 unknown
inline constexpr int kCohort = 24;        // 2 bits: Cohort, 3 unknown
inline constexpr int kCompensation = 26;  // 3 bits: CompensationStatus, 7 unknown
inline constexpr int kPopulation = 29;    // 1 bit: Population
inline constexpr int kNoKey = 30;         // 1 bit: neither pipeline_run_id nor request_id
inline constexpr int kBadNumber = 31;     // 1 bit: attempt or a fan-out count out of its range
inline constexpr int kNode = 32;          // 1 bit: a node record
inline constexpr int kHasCode = 33;       // 1 bit: for the database's own use
inline constexpr int kManual = 34;        // 1 bit: manual_required by another record of the run
inline constexpr int kTime = 35;          // 0 absent, 1 bad, 2 future, or span + 3

inline constexpr std::int64_t kNotFinite = 1 + (std::int64_t{0x7ff} << 7);  // as infinity has it
inline constexpr std::int64_t kNegative = 1 + (std::int64_t{1} << 18);      // the sign
inline constexpr std::int64_t kUnknownStatus = 15;
inline constexpr std::int64_t kUnknownCohort = 3;
inline constexpr std::int64_t kUnknownCompensation = 7;
inline constexpr std::int64_t kBadTime = 1;
inline constexpr std::int64_t kFutureTime = 2;
inline constexpr std::int64_t kFirstSpan = 3;

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
static_assert(kLastStatus < kUnknownStatus);

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

/// Returns the digits of statuses that make a run fail, with commas.
std::string bad_statuses();
}  // namespace packed

/// Rows of equal digits, plan source and error code, counted.
struct PackedRuns {
  std::int64_t kind = 0;
  std::string plan_source;
  std::string error_code;
  std::int64_t runs = 0;
  std::int64_t unverified = 0;
  std::int64_t fallback = 0;
  std::int64_t reused = 0;
  std::int64_t fanout_failed = 0;
  std::int64_t fanout_total = 0;
  std::int64_t newest_us = -1;  // since 1970
};

/// The counts of packed rows, in the order in which answers have them.
inline constexpr std::array kPackedCounts{&PackedRuns::runs,          &PackedRuns::unverified,
                                          &PackedRuns::fallback,      &PackedRuns::reused,
                                          &PackedRuns::fanout_failed, &PackedRuns::fanout_total,
                                          &PackedRuns::newest_us};

/// What packed rows are.
enum class PackedUse {
  rows,     // of a table, duplicates counted as runs
  lost,     // run records that do not stand: they are taken back
  derived,  // runs without a run record
};

/// The words that answers have for it.
inline constexpr std::array<Word<PackedUse>, 3> kPackedWords{
    {{"packed", PackedUse::rows}, {"lost", PackedUse::lost}, {"derived", PackedUse::derived}}};

/// One row of a database's answer, in the order of its columns. Of packed rows `number` is the kind
/// and `name` the plan source; of others it is the span, and they are as PartialRow has them.
struct AnswerRow {
  std::string word;  // of PackedUse, else of RowKind
  std::int64_t number = 0;
  std::int64_t population = 0;
  std::int64_t cohort = 0;
  std::string name;
  std::string error_code;
  std::int64_t bucket = -1;  // -1: none
  std::array<std::int64_t, kPackedCounts.size()> n{};
};
static_assert(kAttemptCounts.size() <= kPackedCounts.size());

/// Is given partial rows, one after the other.
using RowSink = std::function<void(const PartialRow&)>;

/// Gives `sink` what packed rows are: runs and input, node records (as input alone), or rejects,
/// for the reason that build_record() would give.
///
/// Errors: Error{source} for digits that mean nothing.
void add_packed(const PackedRuns& packed, PackedUse use, const LogQuery& query,
                const RowSink& sink);

/// Gives `sink` what a row of an answer says.
///
/// Errors: Error{source} for a word or digits that mean nothing.
void add_answer(const AnswerRow& answer, const LogQuery& query, const RowSink& sink);

}  // namespace dagloop
