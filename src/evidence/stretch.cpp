#include "dagloop/evidence/stretch.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/kpi/stratum.hpp"

namespace dagloop {
namespace {

std::vector<UserCounts> merged_users(const std::vector<UserCounts>& one,
                                     const std::vector<UserCounts>& other) {
  std::vector<UserCounts> all;
  all.reserve(one.size() + other.size());
  std::merge(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(all),
             [](const UserCounts& a, const UserCounts& b) { return a.hash < b.hash; });
  std::vector<UserCounts> users;
  for (const UserCounts& each : all) {
    if (!users.empty() && users.back().hash == each.hash) {
      users.back().counts += each.counts;
    } else {
      users.push_back(each);
    }
  }
  return users;
}

// Who has few events is not whom a verdict rests on.
void keep_worst(std::vector<UserCounts>& users) {
  if (users.size() <= kMostStretchUsers) return;
  std::sort(users.begin(), users.end(), [](const UserCounts& a, const UserCounts& b) {
    if (a.counts.events != b.counts.events) return a.counts.events > b.counts.events;
    return a.hash < b.hash;
  });
  users.resize(kMostStretchUsers);
  std::sort(users.begin(), users.end(),
            [](const UserCounts& a, const UserCounts& b) { return a.hash < b.hash; });
}

void add_above(const std::vector<std::uint64_t>& more, std::vector<std::uint64_t>& above) {
  if (above.empty()) {
    above = more;
  } else if (!more.empty()) {
    DAGLOOP_ASSERT(above.size() == more.size());
    for (std::size_t i = 0; i < above.size(); ++i) above[i] += more[i];
  }
}

}  // namespace

StratumCounts& StratumCounts::operator+=(const StratumCounts& other) {
  counts += other.counts;
  failed += other.failed;
  add_above(other.above, above);
  return *this;
}

StepCounts& StepCounts::operator+=(const StepCounts& later) {
  const bool is_empty = counts.subject.trials == 0 && counts.reference.trials == 0;
  if (is_empty) start = later.start;
  counts += later.counts;
  failed += later.failed;
  users = merged_users(users, later.users);
  add_above(later.above, above);
  for (const StratumCounts& each : later.strata) {
    at_stratum(strata, StratumCounts{.stratum = each.stratum}) += each;
  }
  return *this;
}

std::vector<Block> blocks_of(const StepCounts& counts) {
  if (counts.strata.empty()) return {counts.counts};
  std::vector<Block> blocks;
  for (const StratumCounts& each : counts.strata) blocks.push_back(each.counts);
  return blocks;
}

void Stretch::add(const StepCounts& block, double log_gain_of_block) {
  log_gain += log_gain_of_block;
  if (log_gain <= 0) {
    *this = Stretch();
    return;
  }
  seen += block;
  for (StratumCounts& each : seen.strata) each.above.clear();
  keep_worst(seen.users);
}

}  // namespace dagloop
