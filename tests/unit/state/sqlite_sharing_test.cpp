#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "dagloop/base/error.hpp"
#include "dagloop/state/sqlite_store.hpp"
#include "journal_event.hpp"
#include "run_sql.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

using test::journal_event;
using test::run_sql;
using test::TempDirectory;

bool is_intact(StateStore& store) { return !records_fault(store.records()); }

// The current directory for as long as the object lives.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::string& path) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(path);
  }
  ~WorkingDirectory() {
    std::error_code ignored;
    std::filesystem::current_path(before_, ignored);
  }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

 private:
  std::filesystem::path before_;
};

}  // namespace

TEST_CASE("a commit that fails half way leaves neither state nor journal behind") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  SqliteStore store(path, StateAccess::read_write);
  CycleState state;
  store.commit(state, {journal_event("first")});
  run_sql(path, "INSERT INTO journal VALUES (4, 'in the way')");
  const CycleState before = state;
  state.phase = Phase::proposed;
  CHECK_THROWS_WITH(
      store.commit(state, {journal_event("2"), journal_event("3"), journal_event("4")}),
      Catch::StartsWith("preflight: " + path) && Catch::Contains("UNIQUE"));
  run_sql(path, "DELETE FROM journal WHERE sequence = 4");
  CHECK(state.version == before.version);
  CHECK(store.load() == before);
  CHECK(store.journal().size() == 1);
  CHECK(is_intact(store));
  store.commit(state, {journal_event("2"), journal_event("3"), journal_event("4")});
  CHECK(store.load() == state);
  CHECK(store.journal().size() == 4);
  CHECK(is_intact(store));
}

TEST_CASE("a commit is a conflict for a version that is behind, ahead or of an empty store") {
  const TempDirectory folder;
  SqliteStore store(folder.path("s.db"), StateAccess::read_write);
  CycleState state;
  state.version = 1;
  CHECK_THROWS_WITH(store.commit(state, {journal_event("x")}), Catch::StartsWith("conflict: "));
  state.version = 0;
  store.commit(state, {journal_event("x")});
  for (const std::uint64_t version : {0U, 2U, 1000U}) {
    CycleState other = state;
    other.version = version;
    CHECK_THROWS_WITH(store.commit(other, {journal_event("x")}), Catch::StartsWith("conflict: "));
    CHECK(other.version == version);
  }
  CHECK(store.journal().size() == 1);
}

TEST_CASE("of many that commit at once each change is kept or told to be a conflict") {
  constexpr int kWriters = 4;
  constexpr int kRounds = 10;
  const TempDirectory folder;
  const std::string path = folder.path("sub/s.db");
  std::vector<int> kept(kWriters, 0);
  std::vector<std::string> faults(kWriters);
  const auto write = [&](std::size_t writer) {
    try {
      // All of them make the store: none may undo what another has committed to it by then.
      SqliteStore store(path, StateAccess::read_write);
      while (kept[writer] < kRounds) {
        CycleState state = store.load();
        ++state.rollbacks[std::to_string(writer)];
        try {
          store.commit(state, {journal_event(std::to_string(writer))});
          ++kept[writer];
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::conflict) throw;
        }
      }
    } catch (const std::exception& error) {
      faults[writer] = error.what();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t writer = 0; writer < kWriters; ++writer) threads.emplace_back(write, writer);
  for (std::thread& thread : threads) thread.join();
  CHECK(faults == std::vector<std::string>(kWriters));
  SqliteStore store(path, StateAccess::read_only);
  const CycleState state = store.load();
  CHECK(state.version == kWriters * kRounds);
  for (int writer = 0; writer < kWriters; ++writer) {
    CHECK(state.rollbacks.at(std::to_string(writer)) == kRounds);
  }
  CHECK(store.journal().size() == kWriters * kRounds);
  CHECK(is_intact(store));
}

TEST_CASE("of several that make the store at once none wipes what another has committed") {
  constexpr int kRounds = 8;
  constexpr int kMakers = 4;
  const TempDirectory folder;
  for (int round = 0; round < kRounds; ++round) {
    const std::string path = folder.path(std::to_string(round) + ".db");
    std::atomic<int> committed = 0;
    std::barrier start(kMakers);
    const auto make = [&] {
      start.arrive_and_wait();
      try {
        SqliteStore store(path, StateAccess::read_write);
        CycleState state = store.load();
        store.commit(state, {journal_event("x")});
        ++committed;
      } catch (const Error&) {
        // a conflict: nothing of this one was kept
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kMakers; ++i) threads.emplace_back(make);
    for (std::thread& thread : threads) thread.join();
    SqliteStore store(path, StateAccess::read_only);
    REQUIRE(committed > 0);
    REQUIRE(store.journal().size() == static_cast<std::size_t>(committed));
    REQUIRE(is_intact(store));
  }
}

TEST_CASE("a store opened to read shows what others commit afterwards") {
  const TempDirectory folder;
  SqliteStore writer(folder.path("s.db"), StateAccess::read_write);
  SqliteStore reader(folder.path("s.db"), StateAccess::read_only);
  CycleState state;
  state.phase = Phase::proposed;
  writer.commit(state, {journal_event("x")});
  CHECK(reader.load() == state);
  CHECK(reader.journal().size() == 1);
}

TEST_CASE("opening to read makes no lock file and takes no lock") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  SqliteStore writer(path, StateAccess::read_write);
  SqliteStore reader(path, StateAccess::read_only);
  const auto read_lock = reader.try_lock();
  CHECK(read_lock != nullptr);
  CHECK_FALSE(std::filesystem::exists(path + ".lock"));
  const auto write_lock = writer.try_lock();
  CHECK(write_lock != nullptr);
  CHECK(reader.try_lock() != nullptr);
}

TEST_CASE("an empty file is a store in which nothing was stored yet, and reading leaves it empty") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  run_sql(path, "SELECT 1");
  std::filesystem::resize_file(path, 0);
  {
    SqliteStore reader(path, StateAccess::read_only);
    CHECK(reader.load() == CycleState{});
    CHECK_FALSE(reader.records().state);
  }
  CHECK(std::filesystem::file_size(path) == 0);
  SqliteStore writer(path, StateAccess::read_write);
  CycleState state;
  writer.commit(state, {journal_event("x")});
  CHECK(writer.load().version == 1);
}

TEST_CASE("the names that SQLite takes for something else are files here") {
  const TempDirectory folder;
  const WorkingDirectory here(folder.path("."));
  for (const std::string name : {":memory:", "file:s.db", "file:x?mode=memory", "s.db"}) {
    INFO(name);
    {
      SqliteStore store(name, StateAccess::read_write);
      CycleState state;
      store.commit(state, {journal_event("x")});
    }
    CHECK(std::filesystem::file_size(name) > 0);
    SqliteStore store(name, StateAccess::read_only);
    CHECK(store.load().version == 1);
  }
}

TEST_CASE("a store is opened by its URI") {
  const TempDirectory folder;
  const std::string uri = "sqlite:" + folder.path("s.db");
  {
    const auto store = open_state(uri, StateAccess::read_write);
    CycleState state;
    store->commit(state, {journal_event("x")});
  }
  CHECK(open_state(uri, StateAccess::read_only)->load().version == 1);
  for (const std::string bad : {"mysql://u:s3cr3t@h/db", "oracle:x", "s.db", "", "SQLITE:s.db"}) {
    CHECK_THROWS_WITH(open_state(bad, StateAccess::read_write),
                      Catch::StartsWith("usage: state: state is kept in SQLite or PostgreSQL") &&
                          !Catch::Contains("s3cr3t"));
  }
}

}  // namespace dagloop
