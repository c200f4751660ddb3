#include "source/sqlite_rollup_store.hpp"

#include <sqlite3.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <fstream>
#include <utility>

#include "base/sqlite_schema.hpp"
#include "base/sqlite_statement.hpp"
#include "dagloop/base/closed_directory.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop {
namespace {

constexpr std::uint64_t kApplicationId = 0x6461676d;  // "dagm"
constexpr std::uint64_t kStoreFormat = 1;
// Less than the state's 5 s: nothing is lost where the cache is passed over.
constexpr int kBusyMs = 2000;
constexpr const char* kRemedy = "delete it, or name another";

// Logs of other configurations are kept too, up to so many; the one longest without a commit goes.
constexpr std::uint64_t kMaxLogs = 8;

constexpr std::string_view kLogTable = R"sql(CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    committed INTEGER NOT NULL
  ) STRICT)sql";
constexpr std::string_view kValueTable = R"sql(CREATE TABLE value (
    log INTEGER NOT NULL,
    name TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT)sql";
constexpr std::string_view kValueIndex = "CREATE UNIQUE INDEX value_name ON value (log, name)";
constexpr const char* kMarks = R"sql(
  PRAGMA application_id = 1684105069;
  PRAGMA user_version = 1;
)sql";

// The file is a cache: nothing is lost with it that cannot be counted again, and no byte of it is
// believed without its checksum. So nothing waits for the disk. Every page is read once: a small
// cache takes the next page into memory that is there already.
constexpr const char* kSettings = R"sql(
  PRAGMA page_size = 65536;
  PRAGMA synchronous = OFF;
  PRAGMA journal_mode = TRUNCATE;
  PRAGMA secure_delete = OFF;
  PRAGMA cache_size = -1024;
  PRAGMA cell_size_check = ON;
)sql";

std::uint64_t checksum_of(const std::string& log, std::string_view name, std::string_view value) {
  // With log and name: a value that a damaged index gives under another name does not pass.
  const std::uint64_t place =
      XXH3_64bits_withSeed(name.data(), name.size(), XXH3_64bits(log.data(), log.size()));
  return XXH3_64bits_withSeed(value.data(), value.size(), place);
}

void create_store(SqliteDatabase& database) {
  for (const std::string_view sql : {kLogTable, kValueTable, kValueIndex}) {
    SqliteStatement(database, sql).step();
  }
  database.run(kMarks);
}

// What nobody of us made could have a say in what is found.
std::string foreign_in(const SqliteDatabase& database) {
  const auto difference = compare_schema(database, {kLogTable, kValueTable, kValueIndex});
  std::vector<std::string> names = difference.foreign;
  for (const std::string& missing : difference.missing)
    names.push_back("no " + missing + " of ours");
  return some_of(names);
}

bool is_corrupt(const SqliteDatabase& database) {
  const int code = database.last_error() & 0xFF;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR ||
         code == SQLITE_SCHEMA || code == SQLITE_CONSTRAINT;
}

// Whether the file is empty or starts as a rollup store does: any other is somebody else's. SQLite
// cannot be asked, for it reads no more of a damaged file than that it is damaged.
bool may_be_ours(const std::string& path) {
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  constexpr std::size_t kIdAt = 68;
  std::array<char, kIdAt + 4> head{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(head.data(), head.size())) return file.gcount() == 0 && file.eof();
  std::uint32_t id = 0;
  for (std::size_t i = kIdAt; i < head.size(); ++i) {
    id = (id << 8U) | static_cast<unsigned char>(head[i]);
  }
  return std::string_view(head.data(), kMagic.size()) == kMagic && id == kApplicationId;
}

struct StoredLog {
  std::uint64_t id = 0;  // 0: there is none
  std::uint64_t version = 0;
};

StoredLog find_log(const SqliteDatabase& database, const std::string& name) {
  SqliteStatement statement(database, "SELECT id, version FROM log WHERE name = ?");
  statement.bind(1, name);
  if (!statement.step()) return {};
  return {statement.number(0), statement.number(1)};
}

void erase_log(const SqliteDatabase& database, std::uint64_t id) {
  for (const char* sql : {"DELETE FROM value WHERE log = ?", "DELETE FROM log WHERE id = ?"}) {
    SqliteStatement statement(database, sql);
    statement.bind(1, id);
    statement.step();
  }
}

std::uint64_t add_log(const SqliteDatabase& database, const std::string& name) {
  while (first_number(database, "SELECT count(*) FROM log") >= kMaxLogs) {
    erase_log(database, first_number(database, "SELECT id FROM log ORDER BY committed LIMIT 1"));
  }
  SqliteStatement insert(database, "INSERT INTO log (name, version, committed) VALUES (?, 0, 0)");
  insert.bind(1, name);
  insert.change_one_row();
  return find_log(database, name).id;
}

void change_values(const SqliteDatabase& database, const std::string& log, std::uint64_t id,
                   const RollupChange& change) {
  if (change.others == RollupChange::Others::erased) {
    SqliteStatement erase(database, "DELETE FROM value WHERE log = ?");
    erase.bind(1, id);
    erase.step();
  }
  SqliteStatement erase(database, "DELETE FROM value WHERE log = ? AND name = ?");
  for (const std::string& name : change.erased) {
    erase.bind(1, id);
    erase.bind(2, name);
    erase.step();
    erase.reset();
  }
  SqliteStatement write(
      database,
      "INSERT INTO value (log, name, checksum, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (log, name) "
      "DO UPDATE SET checksum = excluded.checksum, bytes = excluded.bytes");
  for (const auto& [name, value] : change.written) {
    write.bind(1, id);
    write.bind(2, name);
    write.bind(3, checksum_of(log, name, value));
    write.bind_bytes(4, value);
    write.change_one_row();
    write.reset();
  }
}

}  // namespace

SqliteRollupStore::SqliteRollupStore(std::string path, std::function<void(const std::string&)> warn,
                                     RollupTrust trust)
    : path_(std::move(path)), warn_(std::move(warn)), trust_(std::move(trust)) {}

SqliteRollupStore::~SqliteRollupStore() = default;

void SqliteRollupStore::warn(const std::string& what) {
  if (warn_) warn_("rollup store " + path_ + ": " + what);
  warn_ = {};
}

// What is planted in it would be counted; what lies beside it, written into it.
std::string SqliteRollupStore::guarded_path() const {
  PosixFileSystem files;
  const FileGuard guard{"rollup store", trust_.symlinks};
  check_closed(files, path_, {guard.role, trust_.trusted_group});
  std::string path = guarded_target(files, path_, guard);
  for (const char* ending : {"-journal", "-wal", "-shm"}) {
    static_cast<void>(guarded_target(files, path + ending, guard));
  }
  return path;
}

void SqliteRollupStore::open_file() {
  const std::string path = guarded_path();
  // Makes the empty file with mode 0600.
  if (!PosixFileSystem().stat(path)) FileLock::try_acquire(path);
  if (!may_be_ours(path)) {
    throw Error(ErrorKind::preflight, path_, "is no rollup store", kRemedy);
  }
  database_ = std::make_unique<SqliteDatabase>(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE,
                                               kRemedy);
  sqlite3_busy_timeout(database_->handle(), kBusyMs);
  database_->run(kSettings);
  if (first_number(*database_, "PRAGMA application_id") == 0) {
    SqliteTransaction transaction(*database_, "BEGIN IMMEDIATE");
    // Another process may have been faster.
    if (first_number(*database_, "PRAGMA application_id") == 0) create_store(*database_);
    transaction.commit();
  }
  is_damaged_ = first_number(*database_, "PRAGMA user_version") != kStoreFormat;
  const std::string foreign = foreign_in(*database_);
  if (foreign.empty() || is_damaged_) return;
  is_damaged_ = true;
  warn("holds what dagloop did not make: " + foreign + " (it is made anew, the log counted anew)");
}

bool SqliteRollupStore::open() {
  if (database_ != nullptr || !is_usable_) return database_ != nullptr;
  try {
    open_file();
  } catch (const Error& error) {
    is_damaged_ = database_ != nullptr && is_corrupt(*database_);
    is_usable_ = is_damaged_;
    if (!is_usable_) database_.reset();
    warn(std::string(error.what()) + " (the log is read without it)");
  }
  return database_ != nullptr;
}

// The way that SQLite has for files too damaged to be read.
void SqliteRollupStore::make_anew() {
  sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_RESET_DATABASE, 1, nullptr);
  const int code = sqlite3_exec(database_->handle(), "VACUUM", nullptr, nullptr, nullptr);
  sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_RESET_DATABASE, 0, nullptr);
  database_->check(code);
  SqliteTransaction transaction(*database_, "BEGIN IMMEDIATE");
  create_store(*database_);
  transaction.commit();
  is_damaged_ = false;
}

RollupValues SqliteRollupStore::load(const std::string& log, const std::string& first,
                                     const std::string& last) {
  RollupValues loaded;
  if (!open() || is_damaged_) return loaded;
  try {
    SqliteTransaction transaction(*database_, "BEGIN");
    const StoredLog stored = find_log(*database_, log);
    loaded.version = stored.version;
    SqliteStatement select(*database_,
                           "SELECT name, checksum, bytes FROM value "
                           "WHERE log = ? AND name BETWEEN ? AND ? ORDER BY name");
    select.bind(1, stored.id);
    select.bind(2, first);
    select.bind(3, last);
    while (select.step()) {
      const std::string name = select.text(0);
      const std::string_view value = select.bytes(2);
      if (select.number(1) == checksum_of(log, name, value)) {
        loaded.values.emplace_hint(loaded.values.end(), name, value);
      } else {
        warn("a value is damaged; the log is counted anew");
      }
    }
    transaction.commit();
  } catch (const Error& error) {
    loaded.values.clear();
    is_damaged_ = is_corrupt(*database_);
    if (!is_damaged_) {
      is_usable_ = false;  // busy, or the disk fails: this process goes on without it
      database_.reset();
    }
    warn(std::string(error.what()) + " (the log is counted anew)");
  }
  return loaded;
}

bool SqliteRollupStore::write(const std::string& log, std::uint64_t expected_version,
                              const RollupChange& change) {
  SqliteTransaction transaction(*database_, "BEGIN IMMEDIATE");
  StoredLog stored = find_log(*database_, log);
  if (stored.version != expected_version) return false;
  if (stored.id == 0) stored.id = add_log(*database_, log);
  change_values(*database_, log, stored.id, change);
  SqliteStatement update(*database_,
                         "UPDATE log SET version = ?, "
                         "committed = (SELECT max(committed) FROM log) + 1 WHERE id = ?");
  update.bind(1, expected_version + 1);
  update.bind(2, stored.id);
  update.change_one_row();
  transaction.commit();
  return true;
}

bool SqliteRollupStore::commit(const std::string& log, std::uint64_t expected_version,
                               const RollupChange& change) {
  if (!open()) return false;
  const bool is_whole = change.others == RollupChange::Others::erased;
  for (;;) {
    const bool was_damaged = is_damaged_;
    // What a damaged file held is lost; a part of a log would have nothing to be a part of.
    if (was_damaged && !is_whole) return false;
    try {
      if (was_damaged) make_anew();
      return write(log, was_damaged ? 0 : expected_version, change);
    } catch (const Error& error) {
      is_damaged_ = is_corrupt(*database_);
      warn(std::string(error.what()) + " (nothing was written)");
      // Once more, and only where the first try has found the damage.
      if (was_damaged || !is_damaged_) return false;
    }
  }
}

}  // namespace dagloop
