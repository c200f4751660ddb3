#include "dagloop/source/rollup_store.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "memory_rollup_store.hpp"
#include "temp_directory.hpp"

namespace dagloop::test {
namespace {

using Others = RollupChange::Others;
using Values = std::map<std::string, std::string>;

std::unique_ptr<RollupStore> open(const std::string& path,
                                  std::vector<std::string>* warnings = nullptr) {
  return open_rollup_store("sqlite:" + path, [warnings](const std::string& text) {
    if (warnings != nullptr) warnings->push_back(text);
  });
}

Values all(RollupStore& store, const std::string& log = "log") {
  return store.load(log, "", "~").values;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void run(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

const Values kSmall{{"a", "one"}, {"b", std::string(500, 'x')}, {"c", std::string("\0\xff", 2)}};

// What both stores promise.
void check_promises(RollupStore& store) {
  CHECK(store.load("log", "", "~").version == 0);
  CHECK(all(store).empty());
  CHECK(store.commit("log", 0, {{}, kSmall}));
  CHECK(store.load("log", "", "~").version == 1);
  CHECK(all(store) == kSmall);
  CHECK(store.load("log", "a", "b").values.size() == 2);
  CHECK(store.load("log", "aa", "b").values.size() == 1);
  CHECK(all(store, "other").empty());

  CHECK_FALSE(store.commit("log", 0, {{"a"}, {{"b", "late"}}}));
  CHECK_FALSE(store.commit("log", 2, {{"a"}, {{"b", "early"}}}));
  CHECK(all(store) == kSmall);

  CHECK(store.commit("log", 1, {{"a", "none"}, {{"b", ""}, {"d", "four"}}}));
  CHECK(all(store) == Values{{"b", ""}, {"c", kSmall.at("c")}, {"d", "four"}});
  CHECK(store.commit("other", 0, {{}, {{"a", "another log's"}}}));
  CHECK(store.commit("log", 2, {{}, {{"z", "alone"}}, Others::erased}));
  CHECK(all(store) == Values{{"z", "alone"}});
  CHECK(all(store, "other") == Values{{"a", "another log's"}});
  CHECK(store.load("log", "", "~").version == 3);
}

}  // namespace

TEST_CASE("a store gives back what was committed last, by log and name") {
  const TempDirectory folder;
  check_promises(*open(folder.path("deep/er/rollup.db")));
  MemoryRollupStore memory;
  check_promises(memory);
}

TEST_CASE("values outlive the process") {
  const TempDirectory folder;
  const std::string path = folder.path("r.db");
  REQUIRE(open(path)->is_usable());
  REQUIRE(open(path)->commit("log", 0, {{}, kSmall}));
  CHECK(all(*open(path)) == kSmall);
  CHECK(open(path)->load("log", "", "~").version == 1);
}

TEST_CASE("of processes that commit to one version, one is taken") {
  const TempDirectory folder;
  const std::string path = folder.path("r.db");
  constexpr std::size_t kProcesses = 4;
  constexpr std::size_t kCommits = 25;
  for (std::size_t process = 0; process < kProcesses; ++process) {
    if (fork() != 0) continue;
    const auto store = open(path);
    for (std::size_t done = 0; done < kCommits;) {
      const auto loaded = store->load("log", "", "~");
      const std::string name = std::to_string(process) + "." + std::to_string(done);
      if (store->commit("log", loaded.version, {{}, {{name, name}}})) ++done;
    }
    _exit(0);
  }
  for (std::size_t process = 0; process < kProcesses; ++process) {
    int status = 0;
    wait(&status);
    CHECK(status == 0);
  }
  const auto loaded = open(path)->load("log", "", "~");
  CHECK(loaded.version == kProcesses * kCommits);
  CHECK(loaded.values.size() == kProcesses * kCommits);
}

TEST_CASE("a store keeps the logs that were committed to last") {
  const TempDirectory folder;
  const auto store = open(folder.path("r.db"));
  for (int i = 0; i < 12; ++i) {
    REQUIRE(store->commit("log" + std::to_string(i), 0, {{}, kSmall}));
    REQUIRE(store->commit("log0", static_cast<std::uint64_t>(i) + 1, {{}, {}}));
  }
  CHECK(all(*store, "log0") == kSmall);
  CHECK(all(*store, "log1").empty());
  CHECK(all(*store, "log11") == kSmall);
}

TEST_CASE("a byte changed anywhere gives a committed value or none, and the store can be used on") {
  const TempDirectory folder;
  const std::string path = folder.path("r.db");
  REQUIRE(open(path)->commit("log", 0, {{}, kSmall}));
  const std::string whole = bytes_of(path);
  std::mt19937_64 random(1);
  int missing = 0;
  int unusable = 0;
  // Every byte of the header and of what holds anything; some of the rest.
  for (std::size_t at = 0; at < whole.size(); at += whole[at] != 0 || at < 300 ? 1U : 997U) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] + 1 + static_cast<char>(random() % 255));
    write_bytes(path, changed);
    const auto store = open(path);
    const RollupValues loaded = store->load("log", "", "~");
    for (const auto& [name, value] : loaded.values) {
      REQUIRE(kSmall.contains(name));
      REQUIRE(kSmall.at(name) == value);
    }
    if (loaded.values.size() < kSmall.size()) ++missing;
    if (!store->commit("log", loaded.version, {{}, kSmall, Others::erased})) {
      ++unusable;
      CHECK(at < 72);  // in what tells whose file it is
      continue;
    }
    REQUIRE(all(*store) == kSmall);
    REQUIRE(all(*open(path)) == kSmall);
  }
  CHECK(missing > 500);
  CHECK(unusable < 100);
}

TEST_CASE("a file cut off anywhere is counted anew or left alone, with a warning") {
  const TempDirectory folder;
  const std::string path = folder.path("r.db");
  REQUIRE(open(path)->commit("log", 0, {{}, {{"a", std::string(300'000, 'y')}}}));
  const std::string whole = bytes_of(path);
  for (std::size_t size = 1; size < whole.size(); size += 5003) {
    write_bytes(path, whole.substr(0, size));
    std::vector<std::string> warnings;
    const auto store = open(path, &warnings);
    const RollupValues loaded = store->load("log", "", "~");
    CHECK(loaded.values.empty());
    REQUIRE(warnings.size() == 1);
    CAPTURE(size, warnings.front());
    const bool is_written = store->commit("log", loaded.version, {{}, kSmall, Others::erased});
    if (is_written) CHECK(all(*store) == kSmall);
    CHECK(is_written == (size >= 72));
  }
}

TEST_CASE("a store of another format is made anew") {
  const TempDirectory folder;
  const std::string path = folder.path("r.db");
  REQUIRE(open(path)->commit("log", 0, {{}, kSmall}));
  run(path, "PRAGMA user_version = 99");
  const auto store = open(path);
  CHECK(all(*store).empty());
  CHECK(store->commit("log", 0, {{}, kSmall, Others::erased}));
  CHECK(all(*open(path)) == kSmall);
}

TEST_CASE("a file of somebody else's is neither read nor written") {
  const TempDirectory folder;
  const std::string path = folder.path("r.db");
  run(path, "CREATE TABLE value (log, name, checksum, bytes); PRAGMA user_version = 1");
  for (const std::string& bytes :
       {bytes_of(path), std::string("FLAG=1\n"), std::string(9000, 'x')}) {
    write_bytes(path, bytes);
    std::vector<std::string> warnings;
    const auto store = open(path, &warnings);
    CHECK(all(*store).empty());
    CHECK_FALSE(store->commit("log", 0, {{}, kSmall, Others::erased}));
    CHECK(bytes_of(path) == bytes);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find(path) != std::string::npos);
    CHECK(warnings[0].find("delete it, or name another") != std::string::npos);
  }
}

TEST_CASE("a store that cannot be written or is locked is done without") {
  const TempDirectory folder;
  std::vector<std::string> warnings;
  std::filesystem::create_directory(folder.path("folder.db"));
  const auto store = open(folder.path("folder.db"), &warnings);
  CHECK(all(*store).empty());
  CHECK_FALSE(store->is_usable());
  CHECK_FALSE(store->commit("log", 0, {{}, kSmall}));
  CHECK(warnings.size() == 1);

  const std::string path = folder.path("r.db");
  REQUIRE(open(path)->commit("log", 0, {{}, kSmall}));
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK);
  warnings.clear();
  const auto locked = open(path, &warnings);
  CHECK(all(*locked).empty());
  CHECK_FALSE(locked->is_usable());
  CHECK_FALSE(locked->commit("log", 0, {{}, kSmall}));
  CHECK(warnings.size() == 1);
  sqlite3_close(other);
  CHECK(all(*open(path)) == kSmall);
}

TEST_CASE("a store on a frozen server is given up before the reader of the log is") {
  using std::chrono::milliseconds;
  constexpr milliseconds kConnecting = std::chrono::seconds(5);  // with_deadlines()
  constexpr milliseconds kGrace = std::chrono::seconds(5);       // configured_source()
  for (const int timeout : {100, 1'000, 10'000, 44'000, 60'000, 600'000}) {
    CAPTURE(timeout);
    const milliseconds patience = rollup_patience(milliseconds(timeout));
    CHECK(patience > milliseconds(0));
    CHECK(kConnecting + patience < milliseconds(timeout) + kGrace);
  }
  CHECK(rollup_patience(std::chrono::hours(1)) == std::chrono::seconds(50));
}

TEST_CASE("a store is named by sqlite: and a path") {
  for (const std::string uri : {"", "sqlite:", "rollup.db", "mysql://u:secret@h/d"}) {
    try {
      open_rollup_store(uri);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(std::string(error.what()).find("secret") == std::string::npos);
    }
  }
}

TEST_CASE("a rollup store where somebody else can put a file is as an empty one, and not written") {
  for (const std::string kind : {"sticky", "open", "pipe", "link", "journal"}) {
    CAPTURE(kind);
    const TempDirectory folder;
    const std::string directory = folder.path("store");
    const std::string path = directory + "/rollup.db";
    std::filesystem::create_directory(directory);
    REQUIRE(::chmod(directory.c_str(), 0755) == 0);
    CHECK(open(path)->commit("log", 0, {{}, kSmall}));
    if (kind == "sticky") REQUIRE(::chmod(directory.c_str(), 01777) == 0);
    if (kind == "open") REQUIRE(::chmod(directory.c_str(), 0777) == 0);
    if (kind == "pipe" || kind == "link") std::filesystem::rename(path, directory + "/aside");
    if (kind == "pipe") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    if (kind == "link") std::filesystem::create_symlink("aside", path);
    std::filesystem::remove(path + "-journal");
    if (kind == "journal") std::filesystem::create_symlink("/dev/null", path + "-journal");
    std::vector<std::string> warnings;
    const auto store = open(path, &warnings);
    CHECK(all(*store).empty());
    CHECK_FALSE(store->commit("log", 0, {{}, kSmall, Others::erased}));
    CHECK_FALSE(store->is_usable());
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings.front(), Catch::Contains("the rollup store ") &&
                                     Catch::Contains("(the log is read without it)"));
  }
}

TEST_CASE(
    "a rollup store with a trigger or a view of somebody else gives nothing, and is made anew") {
  for (const char* sql : {"CREATE TRIGGER t BEFORE UPDATE ON log BEGIN SELECT raise(IGNORE); END",
                          "CREATE TRIGGER t AFTER INSERT ON value BEGIN DELETE FROM value; END",
                          "ALTER TABLE value RENAME TO v; CREATE VIEW value AS SELECT * FROM v",
                          "CREATE TABLE other (x)", "DROP INDEX value_name"}) {
    CAPTURE(sql);
    const TempDirectory folder;
    const std::string path = folder.path("rollup.db");
    CHECK(open(path)->commit("log", 0, {{}, kSmall}));
    run(path, sql);
    std::vector<std::string> warnings;
    const auto store = open(path, &warnings);
    CHECK(all(*store).empty());
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings.front(), Catch::Contains("holds what dagloop did not make: "));
    CHECK(store->commit("log", 0, {{}, kSmall, Others::erased}));
    CHECK(all(*store) == kSmall);
    warnings.clear();
    CHECK(all(*open(path, &warnings)) == kSmall);
    CHECK(warnings.empty());
  }
}

}  // namespace dagloop::test
