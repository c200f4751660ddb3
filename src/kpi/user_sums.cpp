#include "dagloop/kpi/user_sums.hpp"

#include <algorithm>
#include <functional>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

template <typename Key>
void merge_counts(const std::vector<std::pair<Key, std::uint32_t>>& from,
                  std::vector<std::pair<Key, std::uint32_t>>& to) {
  for (const auto& [key, count] : from) {
    const auto at = std::lower_bound(to.begin(), to.end(), key,
                                     [](const auto& each, const Key& k) { return each.first < k; });
    if (at != to.end() && at->first == key) {
      at->second += count;
    } else {
      to.emplace(at, key, count);
    }
  }
}

bool is_heavy(const UserRuns& user) {
  return std::max({user.runs, user.failed, user.failed_attempts}) >= UserSums::kHeavy;
}

// What a user can weigh in any figure: who has many runs, and who has many failures, weigh much.
std::uint64_t weight_of(const UserRuns& user) {
  return std::uint64_t{user.runs} + user.failed + user.failed_attempts;
}

bool is_heavier(const UserRuns& a, const UserRuns& b) {
  return weight_of(a) != weight_of(b) ? weight_of(a) > weight_of(b) : a.hash < b.hash;
}

}  // namespace

void UserRuns::merge(const UserRuns& other) {
  runs += other.runs;
  failed += other.failed;
  aided += other.aided;
  attempts += other.attempts;
  failed_attempts += other.failed_attempts;
  merge_counts(other.error_classes, error_classes);
  merge_counts(other.durations, durations);
}

UserSums::UserSums(std::vector<UserRuns> all) : users_(std::move(all)) {
  DAGLOOP_ASSERT(std::ranges::adjacent_find(users_, std::ranges::greater_equal(),
                                            &UserRuns::hash) == users_.end());
  keep_sample_and_heaviest();
}

// A user is in the sample of the whole exactly if it is among the first of all parts: then it is in
// the sample of each part that it has runs in, and nothing of it is missing.
void UserSums::merge(const UserSums& other) {
  if (other.users_.empty()) return;
  std::vector<UserRuns> all;
  all.reserve(users_.size() + other.users_.size());
  auto mine = users_.begin();
  for (const UserRuns& user : other.users_) {
    for (; mine != users_.end() && mine->hash < user.hash; ++mine) all.push_back(std::move(*mine));
    if (mine != users_.end() && mine->hash == user.hash) {
      all.push_back(std::move(*mine++));
      all.back().merge(user);
    } else {
      all.push_back(user);
    }
  }
  std::move(mine, users_.end(), std::back_inserter(all));
  users_ = std::move(all);
  keep_sample_and_heaviest();
}

void UserSums::keep_sample_and_heaviest() {
  if (users_.size() <= kSample) return;
  const auto others = users_.begin() + kSample;
  auto end = std::remove_if(others, users_.end(), [](const auto& user) { return !is_heavy(user); });
  if (end - others > static_cast<std::ptrdiff_t>(kHeaviest)) {
    const auto last = others + kHeaviest;
    std::nth_element(others, last, end, is_heavier);
    end = last;
    std::ranges::sort(others, end, {}, &UserRuns::hash);
  }
  users_.erase(end, users_.end());
}

}  // namespace dagloop
