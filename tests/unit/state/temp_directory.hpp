// A directory of its own for a test, gone afterwards, and SQL run behind the store's back.
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace dagloop::test {

/// A directory that exists as long as the object.
class TempDirectory {
 public:
  TempDirectory() {
    static int made = 0;
    root_ = std::filesystem::temp_directory_path() /
            ("dagloop_sqlite_" + std::to_string(::getpid()) + "_" + std::to_string(made++));
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  /// Returns the path of `name` in the directory.
  std::string path(const std::string& name) const { return (root_ / name).string(); }

 private:
  std::filesystem::path root_;
};

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
