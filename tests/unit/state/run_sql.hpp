// SQL run behind the store's back.
#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace dagloop::test {

/// Runs `sql` on the database at `path`, which is made when missing.
inline void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  const bool opened = sqlite3_open(path.c_str(), &database) == SQLITE_OK;
  const bool done =
      opened && sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  const std::string message = sqlite3_errmsg(database);
  sqlite3_close(database);
  if (!done) throw std::runtime_error(sql + ": " + message);
}

}  // namespace dagloop::test
