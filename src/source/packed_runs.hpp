// Private to the source layer: what a database makes of a row in one look at it. Every field that
// decides where a row counts is a digit of one whole number, so that the database groups by one
// cheap value; what the digits mean together is settled here, once a group.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "source/partial_rows.hpp"

namespace dagloop {

/// Where the digits of a kind stand: the value of a digit is shifted left by so many bits.
namespace packed {
inline constexpr int kDuration = 0;       // 20 bits: 0 none, or 1 + the upper 19 bits of the double
inline constexpr int kStatus = 20;        // 4 bits: 0 absent, Status + 1, 15 unknown
inline constexpr int kCohort = 24;        // 2 bits: Cohort, 3 unknown
inline constexpr int kCompensation = 26;  // 3 bits: by severity from 0 (absent) to 4, 7 unknown
inline constexpr int kPopulation = 29;    // 1 bit: Population
inline constexpr int kNoKey = 30;         // 1 bit: neither pipeline_run_id nor request_id
inline constexpr int kBadNumber = 31;     // 1 bit: attempt or a fan-out count out of its range
inline constexpr int kNode = 32;          // 1 bit: a node record
inline constexpr int kHasCode = 33;       // 1 bit: for the database's own use
inline constexpr int kTime = 34;          // 0 absent, 1 bad, 2 future, or span + 3

inline constexpr std::int64_t kNotFinite = 1 + (std::int64_t{0x7ff} << 7);  // as infinity has it
inline constexpr std::int64_t kNegative = 1 + (std::int64_t{1} << 18);      // the sign
inline constexpr std::int64_t kUnknownStatus = 15;
inline constexpr std::int64_t kUnknownCohort = 3;
inline constexpr std::int64_t kUnknownCompensation = 7;
inline constexpr std::int64_t kBadTime = 1;
inline constexpr std::int64_t kFutureTime = 2;
inline constexpr std::int64_t kFirstSpan = 3;
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

/// Is given partial rows, one after the other.
using RowSink = std::function<void(const PartialRow&)>;

/// Gives `sink` what the rows are: runs and input, node records (as input alone), or rejects, for
/// the reason that build_record() would give.
///
/// Errors: Error{source} for digits that mean nothing.
void add_packed(const PackedRuns& packed, const LogQuery& query, const RowSink& sink);

}  // namespace dagloop
