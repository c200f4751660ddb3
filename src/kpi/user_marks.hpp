// Private to the kpi layer: whose a run is, as one number a run, and the runs of users on their way
// into sums.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/record.hpp"
#include "run_rows.hpp"

namespace dagloop {

/// Returns whose a record is: the user's hash, else that of the request, else that of the run. Of
/// several records of a run the smallest mark holds: a user stands before a request, and the order
/// in which they came makes no difference.
std::uint64_t user_mark(const LogRecord& record);

/// Returns a mark as a hash whose upper bits are as good as random.
constexpr std::uint64_t hash_of_mark(std::uint64_t mark) { return mark << 2U | mark >> 62U; }

/// One final run of a user.
struct UserRun {
  std::uint64_t hash = 0;
  std::int32_t duration_bucket = -1;  // none
  std::uint32_t error_code = 0;       // a code
  std::uint32_t attempts = 0;
  std::uint32_t failed_attempts = 0;
  bool failed = false;
  bool aided = false;
};

/// Returns what a run counts as.
UserRun user_run(std::uint64_t mark, const RecordRow& run, std::span<const NodeRow> rows);

/// Runs of users by where they count.
using UserRunsByKey = std::map<PartialKey, std::vector<UserRun>>;

/// Puts the runs of all users, which several threads have counted, into their partials.
void add_users(std::vector<UserRunsByKey>& parts, const CodePool& codes, PartialSet& set);

}  // namespace dagloop
