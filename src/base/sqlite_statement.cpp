#include "base/sqlite_statement.hpp"

#include <array>
#include <utility>

#include "base/sqlite_files.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

// Nothing that stands in the file is run: whoever could write it once may have put it there.
void run_nothing_of_the_file(sqlite3* handle) {
  constexpr std::array kSettings{
      std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, std::pair{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
      std::pair{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1}};
  for (const auto& [setting, value] : kSettings) {
    sqlite3_db_config(handle, setting, value, nullptr);
  }
}

}  // namespace

SqliteDatabase::SqliteDatabase(std::string path, int flags, std::string if_corrupt)
    : path_(std::move(path)), if_corrupt_(std::move(if_corrupt)) {
  // As a path, never as one of SQLite's special names (":memory:", "file:...").
  const std::string name = path_.starts_with('/') ? path_ : "./" + path_;
  check_files_of_sqlite();
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (code == SQLITE_OK) {
    run_nothing_of_the_file(handle_);
    return;
  }
  const std::string what = sqlite3_errstr(code);
  sqlite3_close(handle_);
  throw Error(ErrorKind::preflight, path_, what, remedy_for(code));
}

std::string SqliteDatabase::remedy_for(int code) const {
  // Extended codes have the primary one in their low byte.
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return if_corrupt_;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process keeps it busy: try again";
    case SQLITE_FULL:
      return "free disk space";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "check the path and its permissions";
    default:
      return "check the file and the disk";
  }
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(handle_); }

void SqliteDatabase::run(const char* sql) {
  check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr));
}

void SqliteDatabase::check(int code) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  // Kept for whoever has to tell a damaged file from a busy one, which the message does not.
  last_error_ = code;
  throw Error(ErrorKind::preflight, path_, sqlite3_errmsg(handle_), remedy_for(code));
}

SqliteStatement::SqliteStatement(const SqliteDatabase& database, std::string_view sql)
    : database_(database) {
  database_.check(sqlite3_prepare_v2(database_.handle(), sql.data(), static_cast<int>(sql.size()),
                                     &statement_, nullptr));
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

void SqliteStatement::bind(int index, std::string_view text) {
  database_.check(sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT,
                                      SQLITE_UTF8));
}

void SqliteStatement::bind(int index, std::uint64_t number) {
  database_.check(sqlite3_bind_int64(statement_, index, static_cast<std::int64_t>(number)));
}

void SqliteStatement::bind_bytes(int index, std::string_view bytes) {
  database_.check(
      sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC));
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_);
  database_.check(code);
  return code == SQLITE_ROW;
}

void SqliteStatement::change_one_row() {
  step();
  const auto changed = sqlite3_changes64(database_.handle());
  if (changed == 1) return;
  throw Error(
      ErrorKind::preflight, database_.path(),
      "a write that is said to be done changed " + std::to_string(changed) + " rows instead of one",
      "nothing was written: look who else may write this file, and restore it from a backup");
}

std::string SqliteStatement::text(int index) const {
  const unsigned char* bytes = sqlite3_column_text(statement_, index);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
  return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size);
}

std::uint64_t SqliteStatement::number(int index) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, index));
}

std::string_view SqliteStatement::bytes(int index) const {
  const void* found = sqlite3_column_blob(statement_, index);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
  return found == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(found), size);
}

std::uint64_t first_number(const SqliteDatabase& database, std::string_view sql) {
  SqliteStatement statement(database, sql);
  return statement.step() ? statement.number(0) : 0;
}

SqliteTransaction::SqliteTransaction(SqliteDatabase& database, const char* begin)
    : database_(database) {
  database_.run(begin);
}

SqliteTransaction::~SqliteTransaction() {
  if (!is_over_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteTransaction::commit() {
  database_.run("COMMIT");
  is_over_ = true;
}

}  // namespace dagloop
