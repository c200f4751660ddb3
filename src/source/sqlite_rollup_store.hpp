// Private to the source layer: a rollup store in one SQLite file. One thread at a time; several
// processes may share the file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "dagloop/source/rollup_store.hpp"

namespace dagloop {

class SqliteDatabase;

/// Keeps values in a SQLite file of its own.
///
/// Errors: as RollupStore says: none. A damaged file is made anew with the next commit that erases
///         the others. A file that is no rollup store is left as it is, and not used.
class SqliteRollupStore final : public RollupStore {
 public:
  SqliteRollupStore(std::string path, std::function<void(const std::string&)> warn,
                    RollupTrust trust);
  ~SqliteRollupStore() override;

  RollupValues load(const std::string& log, const std::string& first,
                    const std::string& last) override;
  bool commit(const std::string& log, std::uint64_t expected_version,
              const RollupChange& change) override;
  bool is_usable() override { return open(); }

 private:
  bool open();
  void open_file();
  std::string guarded_path() const;
  void make_anew();
  bool write(const std::string& log, std::uint64_t expected_version, const RollupChange& change);
  void warn(const std::string& what);

  std::string path_;
  std::function<void(const std::string&)> warn_;
  RollupTrust trust_;
  std::unique_ptr<SqliteDatabase> database_;
  bool is_usable_ = true;  // false once nothing can be done about the file
  bool is_damaged_ = false;
};

}  // namespace dagloop
