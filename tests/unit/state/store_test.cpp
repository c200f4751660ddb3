#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "dagloop/base/error.hpp"
#include "dagloop/state/sqlite_store.hpp"
#include "dagloop/state/state_store.hpp"
#include "rollout_generator.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

using test::Random;
using test::TempDirectory;

JournalEvent event(EventType type) {
  JournalEvent made;
  made.type = type;
  made.actor = "alice";
  made.at = *parse_time("2026-02-25T06:00:00.123Z");
  return made;
}

std::string random_text(Random& random) {
  std::string text;
  for (std::uint64_t i = random.below(12); i > 0; --i) {
    text += static_cast<char>(32 + random.below(95));
  }
  return text;
}

PolicyValues random_values(Random& random) {
  PolicyValues values;
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    values["KEY_" + std::to_string(i)] = random_text(random);
  }
  return values;
}

Patch random_patch(Random& random) {
  Patch patch;
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    patch["KEY_" + std::to_string(i)] = {random_text(random), random_text(random)};
  }
  return patch;
}

TimePoint random_time(Random& random) {
  return TimePoint(Microseconds(1'700'000'000'000'000 + random.below(1'000'000'000'000)));
}

CycleState random_state(Random& random) {
  CycleState state;
  state.phase = static_cast<Phase>(random.below(9));
  if (random.chance(0.5)) state.pending_decision = Json::object({{"digest", random_text(random)}});
  if (state.phase == Phase::applying || random.chance(0.3)) {
    state.intent = Intent{random.chance(0.5) ? ChangeKind::apply : ChangeKind::rollback,
                          random_text(random),
                          random_text(random),
                          random_text(random),
                          random_patch(random),
                          random_text(random),
                          random_text(random),
                          random_text(random),
                          random_time(random),
                          random_time(random),
                          static_cast<Phase>(random.below(9))};
  }
  if (state.phase == Phase::verifying || random.chance(0.3)) {
    state.change =
        ChangeUnderVerification{random_text(random), random_patch(random), random_time(random)};
  }
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    state.verified.push_back(random_values(random));
  }
  state.in_force = random_values(random);
  if (random.chance(0.5)) state.in_force_since = random_time(random);
  if (random.chance(0.5)) state.cooldown_until = random_time(random);
  if (random.chance(0.5)) state.rollbacks["abc"] = static_cast<int>(random.below(5));
  if (random.chance(0.5)) state.used_decisions = {random_text(random), random_text(random)};
  state.last_refusal = random_text(random);
  if (random.chance(0.5)) state.rollback_due_since = random_time(random);
  if (random.chance(0.5)) state.last_rollback = {random_time(random), random_time(random)};
  if (random.chance(0.5)) {
    state.rolled_back = RolledBack{random_time(random), {{"K", {"1", "0"}}}, random_text(random)};
  }
  return state;
}

}  // namespace

TEST_CASE("any state reads back from its JSON as it was") {
  Random random(31);
  for (int round = 0; round < 500; ++round) {
    const CycleState state = random_state(random);
    const Json document = parse_json(to_compact_json(cycle_state_to_json(state)), "state");
    REQUIRE(cycle_state_from_json(document, "state") == state);
  }
}

TEST_CASE("a state of another schema or with an unknown phase is refused as a store's fault") {
  Json document = cycle_state_to_json({});
  document["schema"] = "dagloop.cycle_state/9";
  CHECK_THROWS_WITH(cycle_state_from_json(document, "s.db"), Catch::StartsWith("preflight: s.db"));
  document = cycle_state_to_json({});
  document["phase"] = "dreaming";
  CHECK_THROWS_WITH(cycle_state_from_json(document, "s.db"), Catch::StartsWith("preflight: s.db"));
}

TEST_CASE("what was committed is there after reopening, with its journal") {
  const TempDirectory folder;
  Random random(32);
  CycleState state;
  for (int i = 0; i < 5; ++i) {
    SqliteStore store(folder.path("s.db"), StateAccess::read_write);
    CHECK(store.load() == state);
    const std::uint64_t version = state.version;
    state = random_state(random);
    state.version = version;
    store.commit(state, {event(EventType::proposed), event(EventType::approved)});
    CHECK(state.version == version + 1);
  }
  SqliteStore store(folder.path("s.db"), StateAccess::read_only);
  CHECK(store.load() == state);
  CHECK(store.journal().size() == 10);
  CHECK_FALSE(records_fault(store.records()));
}

TEST_CASE("of two commits on one version the second is a conflict and leaves nothing") {
  const TempDirectory folder;
  SqliteStore first(folder.path("s.db"), StateAccess::read_write);
  SqliteStore second(folder.path("s.db"), StateAccess::read_write);
  CycleState mine = first.load();
  CycleState theirs = second.load();
  mine.phase = Phase::proposed;
  first.commit(mine, {event(EventType::proposed)});
  theirs.phase = Phase::rejected;
  CHECK_THROWS_WITH(second.commit(theirs, {event(EventType::rejected)}),
                    Catch::StartsWith("conflict"));
  CHECK(second.load().phase == Phase::proposed);
  CHECK(second.journal().size() == 1);
}

TEST_CASE("reading a store that does not exist makes nothing and finds nothing") {
  const TempDirectory folder;
  SqliteStore store(folder.path("sub/s.db"), StateAccess::read_only);
  CHECK(store.load() == CycleState{});
  CHECK(store.journal().empty());
  CHECK(store.try_lock() != nullptr);
  CHECK_FALSE(std::filesystem::exists(folder.path("sub")));
}

TEST_CASE("a new store is readable by its owner alone") {
  const TempDirectory folder;
  const SqliteStore store(folder.path("sub/s.db"), StateAccess::read_write);
  struct stat info {};
  REQUIRE(::stat(folder.path("sub/s.db").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
}

TEST_CASE("one process at a time holds the change lock") {
  const TempDirectory folder;
  SqliteStore first(folder.path("s.db"), StateAccess::read_write);
  SqliteStore second(folder.path("s.db"), StateAccess::read_write);
  auto held = first.try_lock();
  REQUIRE(held != nullptr);
  CHECK(second.try_lock() == nullptr);
  held.reset();
  CHECK(second.try_lock() != nullptr);
}

TEST_CASE("a file that is no database, or another program's, is refused by name") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  std::ofstream(path) << std::string(5000, 'x');
  for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
    CHECK_THROWS_WITH(SqliteStore(path, access), Catch::StartsWith("preflight: " + path));
  }
}

TEST_CASE("a database whose pages were overwritten is refused, not read") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  {
    SqliteStore store(path, StateAccess::read_write);
    CycleState state;
    store.commit(state, {event(EventType::proposed)});
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 - 600);
  file << std::string(6000, 'y');
  file.close();
  const auto use = [&] {
    SqliteStore store(path, StateAccess::read_write);
    static_cast<void>(store.load());
    static_cast<void>(store.journal());
  };
  CHECK_THROWS_AS(use(), Error);
}

TEST_CASE("a server that is not there is a store's fault, and no secret is repeated") {
  CHECK_THROWS_WITH(
      open_state("postgresql://u:secret@127.0.0.1:1/db?state_name=a", StateAccess::read_only),
      Catch::StartsWith("preflight: postgresql://u:***@127.0.0.1:1/db") &&
          Catch::Contains("check that the server runs") && !Catch::Contains("secret"));
  CHECK_THROWS_AS(open_state("sqlite:", StateAccess::read_only), Error);
}

TEST_CASE("equal policies have equal fingerprints, others do not") {
  CHECK(policy_fingerprint({{"A", "1"}, {"B", "2"}}) ==
        policy_fingerprint({{"B", "2"}, {"A", "1"}}));
  CHECK(policy_fingerprint({{"A", "1"}}) != policy_fingerprint({{"A", "2"}}));
}

}  // namespace dagloop
