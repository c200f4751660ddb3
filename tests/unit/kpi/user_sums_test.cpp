#include "dagloop/kpi/user_sums.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "awkward_log.hpp"
#include "dagloop/kpi/arm_figures.hpp"
#include "dagloop/kpi/slot_sums.hpp"
#include "naive_reading.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

using ByHash = std::map<std::uint64_t, UserRuns>;

UserRuns random_user(Random& random, std::uint64_t hash) {
  UserRuns user;
  user.hash = hash;
  user.runs = static_cast<std::uint32_t>(1 + random.below(random.chance(0.1) ? 9 : 2));
  user.failed = static_cast<std::uint32_t>(random.below(user.runs + 1));
  user.aided = user.failed;
  user.attempts = 2 * user.runs;
  user.failed_attempts = static_cast<std::uint32_t>(random.below(3));
  if (user.failed > 0) {
    user.error_classes = {
        {random.chance(0.5) ? ErrorClass::server : ErrorClass::auth, user.failed}};
  }
  user.durations = {{static_cast<std::int32_t>(random.below(4)), user.runs}};
  return user;
}

// A slot of so many users of so many that there are.
ByHash random_slot(Random& random, std::uint64_t users, std::uint64_t of) {
  ByHash slot;
  while (slot.size() < users) {
    const std::uint64_t hash = random.below(of) * 0x9e3779b97f4a7c15ULL;  // apart from one another
    slot.insert_or_assign(hash, random_user(random, hash));
  }
  return slot;
}

UserSums sums_of(const ByHash& slot) {
  std::vector<UserRuns> users;
  for (const auto& [hash, user] : slot) users.push_back(user);
  return UserSums(std::move(users));
}

void add_slot(const ByHash& from, ByHash& to) {
  for (const auto& [hash, user] : from) {
    to[hash].hash = hash;
    to[hash].merge(user);
  }
}

std::vector<UserRuns> sample_of(const UserSums& sums) {
  const std::size_t size = std::min(UserSums::kSample, sums.users().size());
  return {sums.users().begin(), sums.users().begin() + static_cast<std::ptrdiff_t>(size)};
}

std::vector<UserRuns> first_of(const ByHash& all) {
  std::vector<UserRuns> first;
  for (const auto& [hash, user] : all) {
    if (first.size() < UserSums::kSample) first.push_back(user);
  }
  return first;
}

}  // namespace

TEST_CASE("the sample of merged users is that of all runs, whatever is merged first") {
  Random random(41);
  for (int round = 0; round < 40; ++round) {
    std::vector<UserSums> parts;
    ByHash all;
    for (std::uint64_t i = 1 + random.below(12); i > 0; --i) {
      const ByHash slot = random_slot(random, random.below(900), 3000);
      parts.push_back(sums_of(slot));
      add_slot(slot, all);
    }
    while (parts.size() > 1) {  // any two
      std::swap(parts.back(), parts[random.below(parts.size())]);
      const UserSums last = parts.back();
      parts.pop_back();
      parts[random.below(parts.size())].merge(last);
    }
    REQUIRE(sample_of(parts.front()) == first_of(all));
    REQUIRE(parts.front().users().size() <= UserSums::kSample + UserSums::kHeaviest);
    REQUIRE(std::ranges::is_sorted(parts.front().users(), {}, &UserRuns::hash));
  }
}

TEST_CASE("merging users does not depend on which is merged into which") {
  Random random(42);
  for (int round = 0; round < 40; ++round) {
    const UserSums a = sums_of(random_slot(random, random.below(1500), 3000));
    const UserSums b = sums_of(random_slot(random, random.below(1500), 3000));
    UserSums ab = a;
    ab.merge(b);
    UserSums ba = b;
    ba.merge(a);
    REQUIRE(ab == ba);
    UserSums with_nothing = a;
    with_nothing.merge({});
    REQUIRE(with_nothing == a);
    UserSums onto_nothing;
    onto_nothing.merge(a);
    REQUIRE(onto_nothing == a);
  }
}

TEST_CASE("a user outside of the sample stays where it has many runs or failures") {
  ByHash slot;
  for (std::uint64_t hash = 0; hash < 2000; ++hash) slot[hash] = {.hash = hash, .runs = 2};
  slot[1500].runs = 50;
  slot[1600].runs = 3;
  slot[1700] = {.hash = 1700, .runs = 1, .failed = 1, .attempts = 9, .failed_attempts = 9};
  const std::vector<UserRuns> few = sums_of(slot).users();
  REQUIRE(few.size() == UserSums::kSample + 3);
  CHECK(few[512] == slot[1500]);
  CHECK(few[513] == slot[1600]);
  CHECK(few[514] == slot[1700]);
  for (std::uint64_t hash = 600; hash < 1400; ++hash) slot[hash].runs = 4;
  const std::vector<UserRuns> many = sums_of(slot).users();
  REQUIRE(many.size() == UserSums::kSample + UserSums::kHeaviest);
  CHECK(std::ranges::count(many, 1500U, &UserRuns::hash) == 1);
  CHECK(std::ranges::count(many, 1600U, &UserRuns::hash) == 0);
  CHECK(std::ranges::count(many, 1700U, &UserRuns::hash) == 1);
}

TEST_CASE("a heavy user keeps its runs when another sum has it in the sample") {
  ByHash full;
  for (std::uint64_t hash = 0; hash < 600; ++hash) full[hash] = {.hash = hash, .runs = 1};
  full[599].runs = 7;
  UserSums sums = sums_of(full);
  sums.merge(UserSums({{.hash = 599, .runs = 1, .failed = 1}}));
  REQUIRE(sums.users().size() == UserSums::kSample + 1);
  CHECK(sums.users().back() == UserRuns{.hash = 599, .runs = 8, .failed = 1});
}

TEST_CASE("the users of awkward logs equal an independent reading") {
  Random random(43);
  for (int round = 0; round < 1500; ++round) {
    auto records = awkward_log(random);
    for (OwnedRecord& record : records) {  // records that contradict one another
      record.user = one_of<const char*>(random, {"", "", "ann", "bob"});
      record.request = one_of<const char*>(random, {"", "q1", "q2"});
    }
    RunTableOptions options{kRange, "evaluate", Dedupe::runs};
    options.users_from = at_minute(30);
    const PartialSet found = settle(records, options);
    const NaiveReading reading(records, kRange, "evaluate", {}, options.users_from);
    CAPTURE(round);
    REQUIRE(found.partials == reading.partials());
    shuffle(records, random);
    REQUIRE(settle(records, options).partials == found.partials);
  }
}

TEST_CASE("users are the same however many tables and threads count them") {
  Random random(44);
  for (int round = 0; round < 200; ++round) {
    const auto records = awkward_log(random);
    RunTableOptions options{kRange, "", Dedupe::runs};
    options.users_from = kRange.start;
    std::vector<RunTable> tables;
    for (int i = 0; i < 3; ++i) tables.emplace_back(options);
    for (const OwnedRecord& record : records) add(record, tables[random.below(3)]);
    const PartialSet found = RunTable::finish(std::move(tables), 2);
    REQUIRE(found.partials == settle(records, options).partials);
  }
}

TEST_CASE("runs of one user, of one request without a user, or alone are one") {
  std::vector<OwnedRecord> records;
  for (const char* run : {"r1", "r2", "r3", "r4", "r5", "r6"}) {
    records.push_back(make_record(run, 10, Status::failed));
  }
  records[0].user = "ann";
  records[1].user = "ann";
  records[1].request = "q";
  records[2].request = "q";
  records[3].request = "q";
  records[4].user = "q";  // another id
  RunTableOptions options{kRange, "", Dedupe::runs};
  const auto users = [&] {
    std::vector<std::uint32_t> runs;
    const KpiPartial partial = settle(records, options).sum(kRange, Population::dag);
    for (const UserRuns& user : partial.users.users()) {
      runs.push_back(user.runs);
    }
    std::ranges::sort(runs);
    return runs;
  };
  CHECK(users().empty());  // not asked for
  options.users_from = at_minute(10);
  CHECK(users() == std::vector<std::uint32_t>{1, 1, 2, 2});
  options.users_from = at_minute(15);
  CHECK(users().empty());
}

TEST_CASE("an arm counts the errors, slow runs and attempts of each user") {
  std::vector<OwnedRecord> records;
  const auto add_run = [&](const char* run, const char* user, double duration_ms,
                           const char* error_code) {
    records.push_back(make_record(run, 10, *error_code == 0 ? Status::succeeded : Status::failed));
    records.back().user = user;
    records.back().duration_ms = duration_ms;
    records.back().error_code = error_code;
  };
  add_run("r1", "ann", 100, "");
  add_run("r2", "ann", 900, "503");
  add_run("r3", "ann", 3000, "TOOL_AUTH_ERROR");
  add_run("r4", "bob", 100, "");
  records.back().fallback = true;
  records.push_back(make_node_record("r3", "a", 10, Status::failed));
  records.push_back(make_node_record("r3", "a", 10));
  records.back().attempt = 2;
  RunTableOptions options{kRange, "", Dedupe::runs};
  options.users_from = kRange.start;
  KpiPartial partial = settle(records, options).sum(kRange, Population::dag);
  ArmFigures arm = count_arm(partial, {800.0, 2000.0});
  REQUIRE(arm.users.size() == 2);
  std::ranges::sort(arm.users, {}, [](const UserArm& user) { return user.runs; });
  UserArm bob{.hash = arm.users[0].hash, .runs = 1, .timed = 1, .aided = 1};
  CHECK(arm.users[0] == bob);
  UserArm ann{.hash = arm.users[1].hash, .runs = 3, .failed = 2, .auth_errors = 1};
  ann.server_errors = 1;
  ann.timed = 3;
  ann.slow = 2;
  ann.over_threshold = 1;
  ann.attempts = 2;
  ann.failed_attempts = 1;
  ann.aided = 2;
  CHECK(arm.users[1] == ann);
  partial.runs_without_tries = 4;
  arm = count_arm(partial, {});
  CHECK(arm.users[0].attempts + arm.users[1].attempts == 0);
}

TEST_CASE("sums over short windows have the users of their slots, long ones have none") {
  Random random(45);
  PartialSet log;
  for (int slot = 0; slot < 60; ++slot) {
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      const AgeClass age(static_cast<std::uint8_t>(random.below(4)));
      KpiPartial& partial = log.partials[{at_minute(5 * slot), Population::dag, cohort, age}];
      partial.total_runs = 1;
      partial.users = sums_of(random_slot(random, random.below(5), 40));
    }
  }
  const SlotSums sums(log.partials);
  for (int i = 0; i < 200; ++i) {
    const int start = static_cast<int>(random.below(60));
    const Window window{at_minute(5 * start),
                        at_minute(5 * (start + static_cast<int>(random.below(25))))};
    const TimePoint from = at_minute(5 * static_cast<int>(random.below(60)));
    REQUIRE(sums.sum(window, Population::dag) == log.sum(window, Population::dag));
    REQUIRE(sums.sum(window, Population::dag, Cohort::canary, from) ==
            log.sum(window, Population::dag, Cohort::canary, from));
  }
  const Window whole{at_minute(0), at_minute(300)};
  CHECK(sums.sum(whole, Population::dag).users == UserSums());
  CHECK(sums.sum(whole, Population::dag).total_runs == 120);
}
