// Private: SQLite handles that close themselves and throw dagloop's errors. With the state's and
// the rollup's store the only home of SQLite.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace dagloop {

/// A database connection. No trigger and no view of its file is run, and every file that SQLite
/// opens is one to be trusted (sqlite_files.hpp).
class SqliteDatabase {
 public:
  /// Shape:  `if_corrupt` is what the operator is to do about a damaged file.
  /// Errors: Error{preflight} naming `path`.
  SqliteDatabase(std::string path, int flags, std::string if_corrupt);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// Runs statements that give no rows.
  void run(const char* sql);
  /// Throws Error{preflight} with SQLite's message unless `code` is one of success.
  void check(int code) const;

  /// Returns SQLite's code of the error that check() threw last; SQLITE_OK where it threw none.
  int last_error() const { return last_error_; }

  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  std::string remedy_for(int code) const;

  std::string path_;
  std::string if_corrupt_;
  sqlite3* handle_ = nullptr;
  mutable int last_error_ = SQLITE_OK;
};

/// A prepared statement, to be stepped through once, or again after reset().
class SqliteStatement {
 public:
  SqliteStatement(const SqliteDatabase& database, std::string_view sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  /// Binds parameter `index` (from 1).
  void bind(int index, std::string_view text);
  void bind(int index, std::uint64_t number);
  /// Binds bytes that live until the statement has been stepped.
  void bind_bytes(int index, std::string_view bytes);
  /// Steps; returns whether there is a row.
  bool step();
  /// Steps a statement that changes one row.
  ///
  /// Errors: Error{preflight} where it changed none, or more: what was to be written was not.
  void change_one_row();
  /// Makes the statement ready to be bound and stepped again.
  void reset() { sqlite3_reset(statement_); }
  /// Reads column `index` (from 0) of the row.
  std::string text(int index) const;
  std::uint64_t number(int index) const;
  /// Returns the bytes of a column; they live until the next step.
  std::string_view bytes(int index) const;

 private:
  const SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// Returns the number that a statement gives first: a pragma's, a count; 0 where it gives no row.
std::uint64_t first_number(const SqliteDatabase& database, std::string_view sql);

/// A transaction, which lets several statements see the same moment; rolled back unless committed.
class SqliteTransaction {
 public:
  /// Shape: `begin` is "BEGIN" to read, "BEGIN IMMEDIATE" to write.
  SqliteTransaction(SqliteDatabase& database, const char* begin);
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  /// Makes it stand. Errors: Error{preflight}; it is rolled back then.
  void commit();

 private:
  SqliteDatabase& database_;
  bool is_over_ = false;
};

}  // namespace dagloop
