#include "user_marks.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace dagloop {
namespace {

enum class MarkRank : std::uint64_t { user, request, run };  // 3: none

std::uint64_t mark_of(MarkRank rank, std::string_view id) {
  const auto number = static_cast<std::uint64_t>(rank);
  // The seeds keep the key spaces apart.
  return number << 62U | XXH3_64bits_withSeed(id.data(), id.size(), 4 + number) >> 2U;
}

UserRuns runs_of(const UserRun& run, const CodePool& codes) {
  UserRuns one;
  one.hash = run.hash;
  one.runs = 1;
  one.failed = run.failed ? 1 : 0;
  one.aided = run.aided ? 1 : 0;
  one.attempts = run.attempts;
  one.failed_attempts = run.failed_attempts;
  if (run.error_code != 0) one.error_classes.emplace_back(codes.error_class(run.error_code), 1);
  if (run.duration_bucket >= 0) one.durations.emplace_back(run.duration_bucket, 1);
  return one;
}

UserSums sums_of(std::vector<UserRun> runs, const CodePool& codes) {
  std::ranges::sort(runs, {}, &UserRun::hash);
  std::vector<UserRuns> users;
  for (const UserRun& run : runs) {
    if (!users.empty() && users.back().hash == run.hash) {
      users.back().merge(runs_of(run, codes));
    } else {
      users.push_back(runs_of(run, codes));
    }
  }
  return UserSums(std::move(users));
}

}  // namespace

std::uint64_t user_mark(const LogRecord& record) {
  if (!record.user_id.empty()) return mark_of(MarkRank::user, record.user_id);
  if (!record.request_id.empty()) return mark_of(MarkRank::request, record.request_id);
  return mark_of(MarkRank::run, record.run_key);
}

UserRun user_run(std::uint64_t mark, const RecordRow& run, std::span<const NodeRow> rows) {
  UserRun of_user;
  of_user.hash = hash_of_mark(mark);
  if (run.duration_ms >= 0) {
    of_user.duration_bucket = DurationHistogram::bucket_of(run.duration_ms);
  }
  of_user.error_code = run.error_code;
  of_user.failed = run.status != Status::succeeded;
  of_user.aided = of_user.failed || run.has_fallback_reason;
  for (const NodeRow& row : rows) {
    if (!is_attempt(row.record)) continue;
    ++of_user.attempts;
    of_user.failed_attempts += row.record.status == Status::failed ? 1 : 0;
  }
  return of_user;
}

void add_users(std::vector<UserRunsByKey>& parts, const CodePool& codes, PartialSet& set) {
  // First all runs of a key, then its users: who is a heavy one must not depend on the threads.
  UserRunsByKey all;
  for (UserRunsByKey& part : parts) {
    for (auto& [key, runs] : part) {
      std::vector<UserRun>& to = all[key];
      to.insert(to.end(), runs.begin(), runs.end());
      runs = {};
    }
  }
  for (auto& [key, runs] : all) set.partials[key].users = sums_of(std::move(runs), codes);
}

}  // namespace dagloop
