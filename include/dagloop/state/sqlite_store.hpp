// The embedded store: one SQLite file with write-ahead journal off and full sync, so that a commit
// is on disk when it returns. One of SQLite's two files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagloop/base/guarded_file.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// A store in the file at `path`; the change lock is a lock on `<path>.lock`. All of them are
/// guarded files.
class SqliteStore final : public StateStore {
 public:
  /// Errors: Error{preflight} when it cannot be opened, is corrupt, or is of another version, and
  ///         when it, or a file that belongs to it, is not one to be trusted (guarded_file.hpp).
  ///         A file that lies where somebody else can put one beside it (closed_directory.hpp), or
  ///         that holds what nobody of us made (triggers, views, ...: nothing of it is run), is
  ///         refused, or told by doubt(). It is not made there.
  SqliteStore(const std::string& path, StateAccess access, const StateTrust& trust = {});
  ~SqliteStore() override;
  std::unique_ptr<StateLock> try_lock() override;
  CycleState load() override;
  void commit(CycleState& next, const std::vector<JournalEvent>& events) override;
  StoredRecords records() override;
  StoredRecords newest_records() override;
  std::optional<Error> doubt() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
