#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

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

// Makes a store with three entries in its journal.
void make_store(const std::string& path) {
  SqliteStore store(path, StateAccess::read_write);
  CycleState state;
  store.commit(state, {journal_event("one"), journal_event("two")});
  state.phase = Phase::proposed;
  store.commit(state, {journal_event("three")});
}

std::optional<std::string> fault_after(const std::string& sql) {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  run_sql(path, sql);
  SqliteStore store(path, StateAccess::read_only);
  return records_fault(store.records());
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Checks that `use` ends in a preflight error that names the path and says what to do.
template <typename Use>
void check_preflight(const std::string& path, const Use& use) {
  try {
    use();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::preflight);
    CHECK_THAT(error.what(), Catch::StartsWith("preflight: " + path) && Catch::Contains("; "));
    return;
  }
  FAIL("was accepted");
}

}  // namespace

TEST_CASE("a journal edited behind the store's back is told by its entry") {
  const auto sql = GENERATE(
      as<std::string>{}, "UPDATE journal SET document = replace(document, 'two', 'six')",
      "UPDATE journal SET document = replace(document, 'alice', 'alicf') WHERE sequence = 2",
      "UPDATE journal SET document = document || ' ' WHERE sequence = 2",
      "UPDATE journal SET document = replace(document, ',\"why\"', ', \"why\"') WHERE sequence = 2",
      "UPDATE journal SET document = replace(document, '{\"', '{\"note\":1,\"') WHERE sequence = 2",
      "UPDATE journal SET document = 'gone' WHERE sequence = 2",
      "UPDATE journal SET document = '' WHERE sequence = 2",
      "UPDATE journal SET document = (SELECT document FROM journal WHERE sequence = 1) "
      "WHERE sequence = 2",
      "DELETE FROM journal WHERE sequence = 2",
      "UPDATE journal SET sequence = 9 WHERE sequence = 2");
  INFO(sql);
  const auto fault = fault_after(sql);
  REQUIRE(fault.has_value());
  CHECK_THAT(*fault, Catch::StartsWith("entry 2: "));
}

TEST_CASE("a tail that was cut, added or forgotten by the head is told") {
  CHECK_FALSE(fault_after("SELECT 1").has_value());
  CHECK(fault_after("DELETE FROM journal WHERE sequence = 3").has_value());
  CHECK(fault_after("DELETE FROM journal").has_value());
  CHECK(fault_after("UPDATE journal SET sequence = 9 WHERE sequence = 3").has_value());
  CHECK(fault_after("DELETE FROM state").has_value());
  CHECK(fault_after("UPDATE state SET head_sequence = 2").has_value());
  CHECK(fault_after("UPDATE state SET head_hash = replace(head_hash, '0', '1')").has_value());
  CHECK(fault_after("INSERT INTO journal SELECT 4, document FROM journal WHERE sequence = 3")
            .has_value());
}

TEST_CASE("a store whose state row is gone takes no commit over its old journal") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  run_sql(path, "DELETE FROM state");
  SqliteStore store(path, StateAccess::read_write);
  check_preflight(path, [&] { static_cast<void>(store.load()); });
  CycleState state;
  check_preflight(path, [&] { store.commit(state, {journal_event("anew")}); });
  CHECK(store.journal().size() == 3);
  CHECK(state.version == 0);
}

TEST_CASE("a state document that cannot be read is a fault of the store") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  for (const std::string document : {"{", "{}", "[]", "not json", ""}) {
    std::filesystem::remove(path);
    make_store(path);
    run_sql(path, "UPDATE state SET document = '" + document + "'");
    INFO(document);
    for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
      SqliteStore store(path, access);
      check_preflight(path, [&] { static_cast<void>(store.load()); });
    }
  }
}

TEST_CASE("a state document of which a single character is another one is refused") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  for (const std::string edit :
       {"replace(document, 'proposed', 'settled')", "replace(document, 'phase', 'phasf')",
        "replace(document, '[]', '[\"\"]')", "document || ','"}) {
    run_sql(path, "UPDATE state SET document = " + edit);
    INFO(edit);
    SqliteStore store(path, StateAccess::read_only);
    check_preflight(path, [&] { static_cast<void>(store.load()); });
    std::filesystem::remove(path);
    make_store(path);
  }
  // As an earlier release wrote it.
  run_sql(path, "UPDATE state SET document = json_remove(document, '$.sha256')");
  CHECK(SqliteStore(path, StateAccess::read_only).load().phase == Phase::proposed);
}

TEST_CASE("another program's database is refused and not changed, also in write-ahead mode") {
  const TempDirectory folder;
  const std::string path = folder.path("theirs.db");
  for (const std::string mode : {"DELETE", "WAL"}) {
    std::filesystem::remove(path);
    run_sql(path,
            "PRAGMA journal_mode = " + mode + "; CREATE TABLE state (x); PRAGMA user_version = 1");
    const std::string before = bytes_of(path);
    for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
      check_preflight(path, [&] { const SqliteStore store(path, access); });
    }
    CHECK(bytes_of(path) == before);
  }
}

TEST_CASE("a store of another version is refused and not changed") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  run_sql(path, "PRAGMA user_version = 4");
  const std::string before = bytes_of(path);
  for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
    check_preflight(path, [&] { const SqliteStore store(path, access); });
  }
  CHECK(bytes_of(path) == before);
}

TEST_CASE("a store that was cut short is refused when it is used") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  const auto size = std::filesystem::file_size(path);
  for (const auto left : {size - 4096, size / 2, std::uintmax_t{100}, std::uintmax_t{2}}) {
    std::filesystem::remove(path);
    make_store(path);
    std::filesystem::resize_file(path, left);
    INFO(left);
    check_preflight(path, [&] {
      SqliteStore store(path, StateAccess::read_only);
      static_cast<void>(store.load());
      static_cast<void>(store.journal());
    });
  }
}

TEST_CASE("a path that can hold no file is refused") {
  const TempDirectory folder;
  const std::string file = folder.path("file");
  std::ofstream(file) << "x";
  const std::string directory = folder.path("directory");
  std::filesystem::create_directory(directory);
  check_preflight(folder.path(""),
                  [&] { const SqliteStore s(file + "/s.db", StateAccess::read_write); });
  check_preflight(directory, [&] { const SqliteStore s(directory, StateAccess::read_write); });
}

// What somebody left in the file who could write it once. Nothing of it may have a say in a commit.
const std::vector<std::string> kPlanted{
    "CREATE TRIGGER t BEFORE UPDATE ON state BEGIN SELECT raise(IGNORE); END",
    "CREATE TRIGGER t BEFORE INSERT ON journal BEGIN SELECT raise(IGNORE); END",
    "CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM journal WHERE sequence > 3; END",
    "CREATE TRIGGER t BEFORE DELETE ON state BEGIN SELECT raise(IGNORE); END",
    "CREATE TRIGGER t BEFORE INSERT ON evidence BEGIN SELECT raise(ABORT, 'stopped'); END",
    "CREATE VIEW v AS SELECT * FROM state",
    "CREATE INDEX i ON journal (sequence, document)",
    "CREATE UNIQUE INDEX i ON state (id) WHERE version > 3",
    "CREATE TABLE other (x)",
    "ALTER TABLE state RENAME TO s; CREATE VIEW state AS SELECT * FROM s",
    "ALTER TABLE journal ADD COLUMN more TEXT",
    "DROP TABLE evidence; CREATE TABLE evidence (id INTEGER PRIMARY KEY, document)"};

TEST_CASE("a state file that holds what nobody of us made is refused by name, and left as it is") {
  const std::string sql = GENERATE(from_range(kPlanted));
  INFO(sql);
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  run_sql(path, sql);
  const std::string before = bytes_of(path);
  for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
    check_preflight(path, [&] { const SqliteStore store(path, access); });
  }
  CHECK(bytes_of(path) == before);
}

TEST_CASE("a way back from a state file with triggers writes what it says, and journals it") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  for (std::size_t i = 0; i < 5; ++i) {
    std::string sql = kPlanted[i];
    run_sql(path, sql.replace(sql.find(" t "), 3, " t" + std::to_string(i) + " "));
  }
  SqliteStore store(path, StateAccess::read_write, {Symlinks::refuse, "", OnDoubt::tell});
  REQUIRE(store.doubt().has_value());
  CHECK_THAT(store.doubt()->what(), Catch::Contains("trigger t0 on state") &&
                                        Catch::Contains("and 2 more") && Catch::Contains("DROP"));
  CycleState state = store.load();
  state.phase = Phase::rolled_back;
  state.evidence.until = TimePoint(std::chrono::hours(5));
  store.commit(state, {journal_event("four")});
  CHECK(store.load().phase == Phase::rolled_back);
  CHECK(store.journal().size() == 4);
  CHECK_FALSE(records_fault(store.records()));
}

TEST_CASE("a state file where somebody else can put one beside it is refused, but for a way back") {
  const TempDirectory folder;
  const std::string directory = folder.path("state");
  const std::string path = directory + "/s.db";
  std::filesystem::create_directory(directory);
  for (const unsigned mode : {01777U, 0775U}) {
    std::filesystem::permissions(directory, std::filesystem::perms(0755U));
    std::filesystem::remove(path);
    make_store(path);
    std::filesystem::permissions(directory, std::filesystem::perms(mode));
    if (mode == 0775U && ::geteuid() != 0) continue;  // a private group holds nobody else
    for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
      check_preflight(path, [&] { const SqliteStore store(path, access); });
    }
    const StateTrust going_back{Symlinks::refuse, "", OnDoubt::tell};
    SqliteStore store(path, StateAccess::read_write, going_back);
    CHECK(store.doubt().has_value());
    CycleState state = store.load();
    store.commit(state, {journal_event("four")});
    CHECK(store.journal().size() == 4);
    // Where there is no state yet, there is nothing to go back to.
    const std::string other = directory + "/new.db";
    check_preflight(other,
                    [&] { const SqliteStore s(other, StateAccess::read_write, going_back); });
    CHECK_FALSE(std::filesystem::exists(other));
  }
}

TEST_CASE(
    "a stranger's rollback journal is not opened, whenever it comes to lie beside the state") {
  if (::geteuid() != 0) return;  // only root gives files away
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  SqliteStore store(path, StateAccess::read_write);
  // Behind every check of a name: a hot journal, as of a commit that was interrupted.
  const std::string journal = path + "-journal";
  std::ofstream(journal, std::ios::binary)
      << std::string("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8) << std::string(5000, '\1');
  std::filesystem::permissions(journal, std::filesystem::perms(0644U));
  REQUIRE(::chown(journal.c_str(), 65534, 65534) == 0);
  const std::string before = bytes_of(path);
  check_preflight(path, [&] { static_cast<void>(store.load()); });
  CHECK(bytes_of(path) == before);
  std::filesystem::remove(journal);
  CHECK(store.load().phase == Phase::proposed);
}

TEST_CASE("a state file that was made anew, vacuumed or is an earlier version's raises no doubt") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  make_store(path);
  run_sql(path, "VACUUM");
  CHECK_FALSE(SqliteStore(path, StateAccess::read_write).doubt());
  run_sql(path, "DROP TABLE evidence; PRAGMA user_version = 2");
  SqliteStore store(path, StateAccess::read_write);
  CycleState state = store.load();
  store.commit(state, {journal_event("four")});
  CHECK_FALSE(SqliteStore(path, StateAccess::read_only).doubt());
}

}  // namespace dagloop
