// Private to the state layer: SQLite handles that close themselves and throw dagloop's errors.
// With sqlite_store.cpp the only home of SQLite.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace dagloop {

/// A database connection.
class SqliteDatabase {
 public:
  /// Errors: Error{preflight} naming `path`.
  SqliteDatabase(std::string path, int flags);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// Runs statements that give no rows.
  void run(const char* sql);
  /// Throws Error{preflight} with SQLite's message unless `code` is one of success.
  void check(int code) const;

  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement, to be stepped through once.
class SqliteStatement {
 public:
  SqliteStatement(const SqliteDatabase& database, std::string_view sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  /// Binds parameter `index` (from 1).
  void bind(int index, std::string_view text);
  void bind(int index, std::uint64_t number);
  /// Steps; returns whether there is a row.
  bool step();
  /// Reads column `index` (from 0) of the row.
  std::string text(int index) const;
  std::uint64_t number(int index) const;

 private:
  const SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace dagloop
