// The seam to the persisted state: one state document and the journal, changed together or not at
// all. Two hosts may share a store; commit() lets exactly one of two competing changes win.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/guarded_file.hpp"
#include "dagloop/state/cycle_state.hpp"
#include "dagloop/state/journal.hpp"
#include "dagloop/state/stored_records.hpp"

namespace dagloop {

/// Held while a change is decided and written; freed when destroyed or when the process dies.
class StateLock {
 public:
  virtual ~StateLock() = default;
};

/// State and journal. Replaced in tests.
///
/// Errors: Error{preflight} when the store cannot be read or written, or is no store of a version
///         that is known.
class StateStore {
 public:
  virtual ~StateStore() = default;
  /// Returns the change lock, nullptr when another process holds it.
  virtual std::unique_ptr<StateLock> try_lock() = 0;
  /// Returns the stored state; the default state where nothing is stored yet.
  ///
  /// Errors: Error{preflight} also when it is not the state that the newest entry of the journal
  ///         was committed with.
  virtual CycleState load() = 0;
  /// Stores `next` and appends `events`, atomically and durably; sets next.version.
  ///
  /// Order:  at least one event: the journal vouches for every state.
  /// Errors: Error{conflict} when the stored version is no longer next.version.
  virtual void commit(CycleState& next, const std::vector<JournalEvent>& events) = 0;
  /// Returns everything that is stored, word for word, as it was at one moment.
  virtual StoredRecords records() = 0;
  /// Returns the same with the newest entry of the journal alone: the cost does not grow.
  virtual StoredRecords newest_records() = 0;

  /// Returns why the store is to be used for nothing but a way back; nullopt: for everything.
  virtual std::optional<Error> doubt() const { return std::nullopt; }

  /// Returns the whole journal.
  std::vector<JournalEntry> journal() { return read_entries(records().journal); }
};

/// Whether opening may create or change the store.
enum class StateAccess { read_only, read_write };

/// What becomes of a store in which somebody else may have had a hand, although what it holds is
/// consistent: a way back takes it as it is, all else does not.
enum class OnDoubt { refuse, tell };

/// Whom a store in a file may be shared with.
struct StateTrust {
  Symlinks symlinks = Symlinks::refuse;
  std::string trusted_group = {};  // as policy.trusted_group
  OnDoubt on_doubt = OnDoubt::refuse;
};

/// Opens the store at `uri`, "sqlite:PATH" or "postgresql://..."; `trust` is about a file of
/// SQLite.
///
/// Shape:  read_only never creates anything: where there is no store yet it acts like an empty one.
/// Errors: Error{usage} for an unknown scheme; Error{preflight} when it cannot be opened.
std::unique_ptr<StateStore> open_state(const std::string& uri, StateAccess access,
                                       const StateTrust& trust = {});

}  // namespace dagloop
