#include "dagloop/evidence/user_sample.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

using namespace dagloop;

namespace {

constexpr UserFigure kFailed{&UserArm::runs, &UserArm::failed};

UserArm user_arm(std::uint64_t hash, std::uint32_t runs, std::uint32_t failed) {
  UserArm user;
  user.hash = hash;
  user.runs = runs;
  user.failed = failed;
  return user;
}

using Users = std::map<std::uint64_t, UserArm>;

void count(Users& users, std::uint64_t hash, bool has_failed) {
  UserArm& user = users[hash];
  user.hash = hash;
  ++user.runs;
  if (has_failed) ++user.failed;
}

std::vector<UserArm> listed(const Users& users) {
  std::vector<UserArm> list;
  for (const auto& [hash, user] : users) list.push_back(user);
  return list;
}

/// As a source gives a step: the sample, and the heaviest beyond.
std::vector<UserArm> as_step(const Users& users) {
  std::vector<UserArm> list = listed(users);
  std::vector<UserArm> step;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i < kSampledUsers || list[i].runs >= 3) step.push_back(list[i]);
  }
  return step;
}

double uniform(std::mt19937_64& dice) { return static_cast<double>(dice() >> 11) * 0x1p-53; }

double beta(std::mt19937_64& dice, double mean, double rho) {
  const double sum = 1 / rho - 1;
  std::gamma_distribution<double> a(mean * sum, 1);
  std::gamma_distribution<double> b((1 - mean) * sum, 1);
  const double x = a(dice);
  return x / (x + b(dice));
}

UserSample beta_binomial(std::mt19937_64& dice, int users, std::uint32_t runs, double rho) {
  std::vector<UserArm> all;
  for (int i = 0; i < users; ++i) {
    const double rate = beta(dice, 0.2, rho);
    std::uint32_t failed = 0;
    for (std::uint32_t run = 0; run < runs; ++run) failed += uniform(dice) < rate ? 1U : 0U;
    all.push_back(user_arm(dice(), runs, failed));
  }
  std::sort(all.begin(), all.end(),
            [](const UserArm& a, const UserArm& b) { return a.hash < b.hash; });
  UserSample sample;
  sample.add(all);
  return sample;
}

}  // namespace

TEST_CASE("the sample of steps is that of their union, whatever the steps are") {
  std::mt19937_64 dice(11);
  for (int trial = 0; trial < 20; ++trial) {
    Users all;
    UserSample sample;
    for (int step = 0; step < 12; ++step) {
      Users users;
      const std::size_t runs = step % 3 == 0 ? 900 : 80;
      for (std::size_t i = 0; i < runs; ++i) {
        // A thousand users come back, the others once.
        const std::uint64_t hash = dice() % 2 == 0 ? (dice() % 1000) << 54 : dice();
        const bool has_failed = dice() % 10 == 0;
        count(users, hash, has_failed);
        count(all, hash, has_failed);
      }
      sample.add(as_step(users));
    }
    const std::vector<UserArm> list = listed(all);
    // No more than the steps themselves told: a step of very many shows fewer of them.
    REQUIRE(sample.by_hash.size() <= kSampledUsers);
    REQUIRE(sample.by_hash.size() > kSampledUsers / 2);
    CHECK(std::equal(sample.by_hash.begin(), sample.by_hash.end(), list.begin()));
    CHECK(sample.heavy.size() <= kHeavyUsers);
    for (const UserArm& heavy : sample.heavy) CHECK(heavy.hash > sample.last_hash);
  }
}

TEST_CASE("a user who was dropped never comes back, and who comes often is kept as heavy") {
  std::vector<UserArm> many;
  for (std::uint64_t i = 0; i < 600; ++i) many.push_back(user_arm(10 * i, 1, 0));
  UserSample sample;
  sample.add({many.begin(), many.begin() + 300});
  sample.add({many.begin() + 300, many.end()});
  CHECK(sample.last_hash == 5110);
  sample.add({user_arm(5500, 40, 38)});
  CHECK(sample.by_hash.back().hash == 5110);
  CHECK(std::count_if(sample.heavy.begin(), sample.heavy.end(),
                      [](const UserArm& user) { return user.failed == 38; }) == 1);
}

TEST_CASE("the design effect is that of Rao and Scott where all users have as many runs") {
  // By hand: 40 users of 5 runs, of 10 of them all fail: p = 1/4. The sum of squares is
  // 10 * 3.75^2 + 30 * 1.25^2 = 187.5, of independent runs it is 200 * 3/16 = 37.5: D = 5.
  UserSample side;
  std::vector<UserArm> users;
  for (std::uint64_t i = 1; i <= 40; ++i) users.push_back(user_arm(i, 5, i <= 10 ? 5 : 0));
  side.add(users);
  const Spread spread = spread_of(side, side, kFailed, 0.25);
  CHECK(spread.design_effect == Approx(5));
  CHECK(spread.users == 40);
  CHECK(spread.largest_cluster == 5);
  CHECK(spread.worst == ArmCounts{5, 5});
}

TEST_CASE("with few users of the subject the design effect is its largest cluster at least") {
  UserSample few;
  few.add({user_arm(1, 9, 1), user_arm(2, 1, 0), user_arm(3, 1, 0)});
  const Spread spread = spread_of(few, {}, kFailed, 0.1);
  CHECK(spread.design_effect >= 9);
  CHECK(spread.design_effect < 9 * 1.2);
}

TEST_CASE("runs that come one a user have no design effect") {
  UserSample side;
  std::vector<UserArm> users;
  for (std::uint64_t i = 1; i <= 200; ++i) users.push_back(user_arm(i, 1, i % 7 == 0 ? 1 : 0));
  side.add(users);
  CHECK(spread_of(side, side, kFailed, 0.1).design_effect == 1);
}

TEST_CASE("beta-binomial users have the design effect of their correlation") {
  std::mt19937_64 dice(2);
  for (const double rho : {0.1, 0.3, 0.6}) {
    double sum = 0;
    constexpr int kTrials = 30;
    for (int trial = 0; trial < kTrials; ++trial) {
      const UserSample subject = beta_binomial(dice, 60, 20, rho);
      const UserSample reference = beta_binomial(dice, 200, 20, rho);
      sum += spread_of(subject, reference, kFailed, 0.2).design_effect;
    }
    CHECK(sum / kTrials == Approx(1 + 19 * rho).epsilon(0.1));
  }
}

TEST_CASE("who is on one side with all runs counts by the runs of the user of a run") {
  UserSample one;
  one.add({user_arm(1, 10, 0)});
  UserSample other;
  other.add({user_arm(2, 30, 0), user_arm(3, 30, 0)});
  CHECK(runs_a_user(one, other) == Approx(1900.0 / 70));
  CHECK(runs_a_user({}, {}) == 1);
}

TEST_CASE("a log that writes one name into every run does not tell users apart") {
  const auto sample = [](const std::vector<UserArm>& users) {
    UserSample all;
    all.add(users);
    return all;
  };
  const UserSample one = sample({user_arm(7, 200, 100)});
  CHECK_FALSE(tell_users_apart({}, {}));
  CHECK_FALSE(tell_users_apart(one, sample({user_arm(7, 1800, 90)})));
  CHECK_FALSE(tell_users_apart(one, sample({user_arm(8, 1800, 90)})));
  CHECK(runs_a_user(one, sample({user_arm(7, 1800, 90)})) == 1);
  CHECK(tell_users_apart(one, sample({user_arm(8, 900, 90), user_arm(9, 900, 90)})));
}
