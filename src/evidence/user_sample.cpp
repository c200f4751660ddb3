#include "dagloop/evidence/user_sample.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "dagloop/base/assert.hpp"
#include "dagloop/evidence/restarts.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kHeavyByEach = kHeavyUsers / 2;
// With fewer of the subject the design effect is too uncertain. The correlation is that of both
// sides: it does not wait for them.
constexpr std::uint64_t kFewUsers = 20;

bool is_before(const UserArm& one, const UserArm& other) { return one.hash < other.hash; }

void add_counts(UserArm& to, const UserArm& more) {
  for (const auto member :
       {&UserArm::runs, &UserArm::failed, &UserArm::auth_errors, &UserArm::server_errors,
        &UserArm::timed, &UserArm::slow, &UserArm::over_threshold, &UserArm::attempts,
        &UserArm::failed_attempts, &UserArm::aided}) {
    to.*member += more.*member;
  }
}

std::vector<UserArm> merged(const std::vector<UserArm>& one, const std::vector<UserArm>& other) {
  std::vector<UserArm> all;
  all.reserve(one.size() + other.size());
  std::merge(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(all),
             is_before);
  std::vector<UserArm> users;
  for (const UserArm& each : all) {
    if (!users.empty() && users.back().hash == each.hash) {
      add_counts(users.back(), each);
    } else {
      users.push_back(each);
    }
  }
  return users;
}

std::uint32_t most_failures(const UserArm& user) {
  return std::max({user.failed, user.failed_attempts, user.aided, user.slow, user.over_threshold});
}

template <typename Weight>
std::vector<UserArm> heaviest(std::vector<UserArm> users, const Weight& weight) {
  std::sort(users.begin(), users.end(), [&](const UserArm& a, const UserArm& b) {
    return weight(a) != weight(b) ? weight(a) > weight(b) : a.hash < b.hash;
  });
  users.resize(std::min(users.size(), kHeavyByEach));
  std::sort(users.begin(), users.end(), is_before);
  return users;
}

std::vector<UserArm> heaviest_by_each(const std::vector<UserArm>& users) {
  if (users.size() <= kHeavyUsers) return users;
  const auto by_runs = heaviest(users, [](const UserArm& user) { return user.runs; });
  const auto by_failures = heaviest(users, most_failures);
  std::vector<UserArm> both;
  std::set_union(by_runs.begin(), by_runs.end(), by_failures.begin(), by_failures.end(),
                 std::back_inserter(both), is_before);
  return both;
}

/// Sums over the sampled users of one side.
struct Moments {
  double trials = 0;
  double squares = 0;         // of a user's trials
  double excess = 0;          // variance of users beyond that of independent trials, standardised
  std::uint64_t largest = 0;  // trials of one user, the heavy ones as well
  std::uint64_t users = 0;
};

Moments moments_of(const UserSample& sample, const UserFigure& figure) {
  Moments moments;
  double events = 0;
  for (const UserArm& user : sample.by_hash) {
    const double m = user.*figure.trials;
    if (m == 0) continue;
    ++moments.users;
    moments.trials += m;
    moments.squares += m * m;
    moments.largest = std::max<std::uint64_t>(moments.largest, user.*figure.trials);
    events += user.*figure.events;
  }
  for (const UserArm& user : sample.heavy) {
    moments.largest = std::max<std::uint64_t>(moments.largest, user.*figure.trials);
  }
  if (moments.trials == 0) return moments;
  const double p = events / moments.trials;
  if (p <= 0 || p >= 1) return moments;  // nothing varies
  for (const UserArm& user : sample.by_hash) {
    const double m = user.*figure.trials;
    const double beyond = user.*figure.events - m * p;
    moments.excess += beyond * beyond / (p * (1 - p)) - m;
  }
  return moments;
}

ArmCounts worst_user(const UserSample& sample, const UserFigure& figure, double expected_rate) {
  ArmCounts worst;
  double most = 0;
  for (const auto* users : {&sample.by_hash, &sample.heavy}) {
    for (const UserArm& user : *users) {
      const double beyond = user.*figure.events - expected_rate * user.*figure.trials;
      if (beyond <= most) continue;
      most = beyond;
      worst = {user.*figure.trials, user.*figure.events};
    }
  }
  return worst;
}

double design_effect_of(const Moments& moments, double rho) {
  if (moments.trials == 0) return 1;
  return 1 + rho * (moments.squares / moments.trials - 1);
}

}  // namespace

void UserSample::add(const std::vector<UserArm>& users) {
  DAGLOOP_ASSERT(std::is_sorted(users.begin(), users.end(), is_before));
  // Of a step with more users only the heaviest above are known: that is no sample of them.
  if (users.size() >= kSampledUsers) {
    last_hash = std::min(last_hash, users[kSampledUsers - 1].hash);
  }
  std::vector<UserArm> all = merged(merged(by_hash, heavy), users);
  auto end = std::upper_bound(all.begin(), all.end(), UserArm{.hash = last_hash}, is_before);
  if (end - all.begin() > static_cast<std::ptrdiff_t>(kSampledUsers)) {
    end = all.begin() + static_cast<std::ptrdiff_t>(kSampledUsers);
    last_hash = (end - 1)->hash;
  }
  by_hash = std::vector<UserArm>(all.begin(), end);
  heavy = heaviest_by_each({end, all.end()});
}

bool tell_users_apart(const UserSample& subject, const UserSample& reference) {
  constexpr std::size_t kLeastUsers = 3;
  std::set<std::uint64_t> users;
  for (const UserSample* side : {&subject, &reference}) {
    for (const UserArm& user : side->by_hash) {
      users.insert(user.hash);
      if (users.size() >= kLeastUsers) return true;
    }
  }
  return false;
}

Spread spread_of(const UserSample& subject, const UserSample& reference, const UserFigure& figure,
                 double expected_rate) {
  const Moments one = moments_of(subject, figure);
  const Moments other = moments_of(reference, figure);
  // The same correlation on both sides: with one estimate for both, few users say more.
  const double pairs = one.squares - one.trials + other.squares - other.trials;
  const double rho = pairs > 0 ? std::clamp((one.excess + other.excess) / pairs, 0.0, 1.0) : 0.0;
  Spread spread;
  spread.users = one.users;
  spread.largest_cluster = one.largest;
  spread.worst = worst_user(subject, figure, expected_rate);
  spread.design_effect = std::max(design_effect_of(one, rho), design_effect_of(other, rho));
  if (one.users < kFewUsers) {
    spread.design_effect =
        std::max(spread.design_effect, next_discount(static_cast<double>(one.largest)));
  }
  return spread;
}

double runs_a_user(const UserSample& subject, const UserSample& reference) {
  if (!tell_users_apart(subject, reference)) return 1;
  double runs = 0;
  double squares = 0;
  for (const UserSample* side : {&subject, &reference}) {
    // What share of all users is sampled; the heavy ones are all that there are of their kind.
    const double share = std::exp2(-64) * (static_cast<double>(side->last_hash) + 1);
    const auto count = [&](const std::vector<UserArm>& users, double weight) {
      for (const UserArm& user : users) {
        runs += weight * user.runs;
        squares += weight * user.runs * user.runs;
      }
    };
    count(side->by_hash, 1 / share);
    count(side->heavy, 1);
  }
  return runs > 0 ? std::max(1.0, squares / runs) : 1;
}

}  // namespace dagloop
