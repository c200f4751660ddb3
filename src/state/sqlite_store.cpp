#include "dagloop/state/sqlite_store.hpp"

#include <sqlite3.h>

#include <utility>

#include "base/sqlite_schema.hpp"
#include "base/sqlite_statement.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/base/closed_directory.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop {
namespace {

constexpr std::uint64_t kApplicationId = 0x6461676c;  // "dagl"
constexpr std::uint64_t kSchemaVersion = 3;
// The first commit makes a 3 of them. 1: the entries do not say which state they were committed
// with; 2: the evidence is in the document of the state.
constexpr std::uint64_t kOldestVersion = 1;
constexpr const char* kIfCorrupt =
    "check the disk and try again; if it stays, keep the file and restore the state from a backup";

constexpr std::string_view kStateTable = R"sql(CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    head_sequence INTEGER NOT NULL,
    head_hash TEXT NOT NULL
  ) STRICT)sql";
constexpr std::string_view kJournalTable = R"sql(CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT)sql";
constexpr std::string_view kEvidenceTable = R"sql(CREATE TABLE evidence (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL
  ) STRICT)sql";
constexpr const char* kIfForeign =
    "find out who wrote it; then restore the state from a backup, or take away what is not ours "
    "with "
    "sqlite3 (DROP TRIGGER, DROP VIEW, DROP INDEX, DROP TABLE)";
constexpr const char* kCountEvidence =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'evidence'";
constexpr const char* kWholeJournal = "SELECT sequence, document FROM journal ORDER BY sequence";
constexpr const char* kNewest =
    "SELECT sequence, document FROM journal ORDER BY sequence DESC LIMIT 1";

class FileStateLock final : public StateLock {
 public:
  explicit FileStateLock(std::unique_ptr<FileLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<FileLock> lock_;
};

class NoLock final : public StateLock {};

}  // namespace

struct SqliteStore::Impl {
  std::string path;
  StateAccess access;
  FileGuard guard;
  StateTrust trust = {};
  std::unique_ptr<SqliteDatabase> database = nullptr;  // null: read-only, and there is no store yet
  std::optional<Error> doubt = std::nullopt;

  // Returns the path that SQLite is to open. It opens no link, neither there nor on the way: what
  // was checked is not replaced by one meanwhile.
  std::string checked_path(FileSystem& files) const {
    std::string target = guarded_target(files, path, guard);
    // SQLite takes a log that lies beside a database for a part of it, whoever put it there.
    for (const char* ending : {"-journal", "-wal", "-shm"}) {
      static_cast<void>(guarded_target(files, target + ending, guard));
    }
    const std::string directory = parent_directory(target);
    const auto info = files.stat(directory);
    if (!info || info->real_path.empty()) return target;  // to be made
    const std::size_t slash = target.rfind('/');
    const std::string name = slash == std::string::npos ? target : target.substr(slash + 1);
    return (info->real_path == "/" ? "" : info->real_path) + "/" + name;
  }

  void open() {
    PosixFileSystem files;
    std::string real_path = checked_path(files);
    const auto info = files.stat(path);
    const bool is_new = !info || info->size_bytes == 0;
    if (is_new && access == StateAccess::read_only) return;
    check_place(files, !is_new);
    // Makes the empty file with mode 0600, and never cuts one that another process made meanwhile.
    if (!info) {
      FileLock::try_acquire(path);
      real_path = checked_path(files);
    }
    // Also for reading only: after a crash in the middle of a commit SQLite must take the half of
    // it back before anything can be read. Nothing else is written: query_only sees to it.
    database = std::make_unique<SqliteDatabase>(
        real_path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
        kIfCorrupt);
    // 5 s: a commit takes milliseconds, and a tick that waits longer is better off as a failed one.
    sqlite3_busy_timeout(database->handle(), 5000);
    if (access == StateAccess::read_only) {
      database->run("PRAGMA query_only = ON");
      if (is_blank()) {
        database.reset();  // the crash was in the middle of creating it: there is no store yet
        return;
      }
    } else {
      // EXTRA also syncs the directory when the rollback journal is removed. Without that, a power
      // cut could bring the journal back and undo a commit that was told as made.
      database->run("PRAGMA synchronous = EXTRA");
      create_once();
    }
    check_version();
    check_schema();
    // Only behind the check: the mode is kept in the file, which may be somebody else's.
    if (access == StateAccess::read_write) database->run("PRAGMA journal_mode = DELETE");
  }

  // Two processes may both find an empty file: the second finds the tables of the first.
  void create_once() const {
    SqliteTransaction transaction(*database, "BEGIN IMMEDIATE");
    if (is_blank()) {
      make(kStateTable);
      make(kJournalTable);
      database->run("PRAGMA application_id = 1684105068");
      upgrade();
    }
    transaction.commit();
  }

  void make(std::string_view table) const { SqliteStatement(*database, table).step(); }

  void upgrade() const {
    // Whatever somebody took away of the version.
    const bool is_there = first_number(*database, kCountEvidence) != 0;
    if (!is_there) make(kEvidenceTable);
    database->run("PRAGMA user_version = 3");
  }

  bool is_blank() const {
    return first_number(*database, "PRAGMA user_version") == 0 &&
           first_number(*database, "SELECT count(*) FROM sqlite_schema") == 0;
  }

  // Shape: without the evidence.
  std::optional<StoredState> read_row() const {
    SqliteStatement row(*database, "SELECT version, document, head_sequence, head_hash FROM state");
    if (!row.step()) return std::nullopt;
    return StoredState{row.number(0), row.text(1), {row.number(2), row.text(3)}};
  }

  std::optional<StoredState> read_state() const {
    auto state = read_row();
    if (!state) return std::nullopt;
    const auto evidence = read_evidence();
    state->evidence = evidence.value_or("");
    state->is_evidence_readable = evidence.has_value();
    return state;
  }

  // nullopt: its pages are damaged. A way back needs none of it.
  std::optional<std::string> read_evidence() const {
    if (stored_version() != kSchemaVersion) return "";
    try {
      SqliteStatement evidence(*database, "SELECT document FROM evidence");
      return evidence.step() ? evidence.text(0) : "";
    } catch (const Error&) {
      if ((database->last_error() & 0xFF) != SQLITE_CORRUPT) throw;
      return std::nullopt;
    }
  }

  std::uint64_t stored_version() const { return first_number(*database, "PRAGMA user_version"); }

  void write_evidence(const std::string& document) const {
    // An older dagloop would not see the evidence, or add entries that vouch for no state: from now
    // on it refuses the file.
    if (stored_version() != kSchemaVersion) upgrade();
    SqliteStatement update(*database,
                           "INSERT OR REPLACE INTO evidence (id, document) VALUES (1, ?)");
    update.bind(1, document);
    update.change_one_row();
  }

  // The tables that are used are ours, word for word, and there is nothing else that could have a
  // say in what they hold.
  void check_schema() {
    std::vector<std::string_view> ours{kStateTable, kJournalTable};
    const bool has_evidence = first_number(*database, kCountEvidence) != 0;
    if (has_evidence || stored_version() == kSchemaVersion) ours.push_back(kEvidenceTable);
    const SchemaDifference difference = compare_schema(*database, ours);
    if (!difference.missing.empty()) {
      throw Error(ErrorKind::preflight, path,
                  "has another table " + some_of(difference.missing) + " than dagloop made",
                  kIfCorrupt);
    }
    if (difference.foreign.empty()) return;
    tell(Error(ErrorKind::preflight, path,
               "holds what dagloop did not make: " + some_of(difference.foreign), kIfForeign));
  }

  void tell(const Error& error) {
    if (trust.on_doubt == OnDoubt::refuse) throw Error(error);
    if (!doubt) doubt = error;
  }

  // Where nothing is yet, there is nothing to go back to.
  void check_place(FileSystem& files, bool is_there) {
    try {
      check_closed(files, path, {"state file", trust.trusted_group});
    } catch (const Error& error) {
      if (!is_there) throw;
      tell(error);
    }
  }

  // That a write raised no error is no proof that it was made.
  void check_written(const StoredState& wanted) const {
    const auto stored = read_row();
    const std::vector<StoredEntry> newest = read_journal(kNewest);
    const bool is_there = stored && stored->version == wanted.version &&
                          stored->document == wanted.document && stored->head == wanted.head &&
                          !newest.empty() && newest.front().sequence == wanted.head.sequence;
    if (is_there) return;
    throw Error(ErrorKind::preflight, path, "does not read back as it was written",
                "nothing was written: check the disk, and who else may write this file");
  }

  std::vector<StoredEntry> read_journal(const char* sql) const {
    std::vector<StoredEntry> rows;
    SqliteStatement row(*database, sql);
    while (row.step()) rows.push_back({row.number(0), row.text(1)});
    return rows;
  }

  void check_version() const {
    const std::uint64_t version = stored_version();
    if (first_number(*database, "PRAGMA application_id") != kApplicationId ||
        version < kOldestVersion || version > kSchemaVersion) {
      throw Error(ErrorKind::preflight, path, "is no dagloop state of this version",
                  "give another --state, or use the version that wrote it");
    }
  }
};

SqliteStore::SqliteStore(const std::string& path, StateAccess access, const StateTrust& trust)
    : impl_(std::make_unique<Impl>(
          Impl{path, access, FileGuard{"state file", trust.symlinks, TrustedOwner::ours}, trust})) {
  impl_->open();
}

SqliteStore::~SqliteStore() = default;

std::unique_ptr<StateLock> SqliteStore::try_lock() {
  if (impl_->access == StateAccess::read_only) return std::make_unique<NoLock>();
  PosixFileSystem files;
  // Beside the file itself: whoever comes through a link shares the lock with who does not.
  const std::string target = guarded_target(files, impl_->path, impl_->guard);
  auto lock = FileLock::try_acquire(guarded_target(files, target + ".lock", impl_->guard));
  if (lock == nullptr) return nullptr;
  return std::make_unique<FileStateLock>(std::move(lock));
}

CycleState SqliteStore::load() { return checked_state(newest_records(), impl_->path); }

void SqliteStore::commit(CycleState& next, const std::vector<JournalEvent>& events) {
  DAGLOOP_ASSERT(impl_->database != nullptr && impl_->access == StateAccess::read_write);
  DAGLOOP_ASSERT(!events.empty());
  SqliteDatabase& database = *impl_->database;
  SqliteTransaction transaction(database, "BEGIN IMMEDIATE");
  // Not the evidence: once SQLite has met a damaged page, it writes nothing in that transaction.
  const StoredState stored = impl_->read_row().value_or(StoredState{});
  // The lock file can be deleted by hand. The version is what stops a second writer even then.
  if (stored.version != next.version) {
    throw Error(ErrorKind::conflict, impl_->path, "another process changed the state",
                "nothing was written: try again");
  }
  const std::uint64_t version = next.version + 1;
  const StateDocuments documents = documents_of(next);
  JournalHead head = stored.head;
  for (const JournalEvent& event : events) {
    const JournalEntry entry = chain_event(head, event, state_sha256(version, documents.state));
    SqliteStatement insert(database, "INSERT INTO journal (sequence, document) VALUES (?, ?)");
    insert.bind(1, entry.sequence);
    insert.bind(2, to_canonical_json(journal_entry_to_json(entry)));
    insert.change_one_row();
    head = {entry.sequence, entry.hash};
  }
  SqliteStatement update(
      database,
      "INSERT OR REPLACE INTO state "
      "(id, version, document, head_sequence, head_hash) VALUES (1, ?, ?, ?, ?)");
  update.bind(1, version);
  update.bind(2, documents.state);
  update.bind(3, head.sequence);
  update.bind(4, head.hash);
  update.change_one_row();
  // To replace pages that are damaged could free pages of the journal that they seem to lead to.
  if (!documents.keeps_stored_evidence) impl_->write_evidence(documents.evidence);
  impl_->check_written({version, documents.state, head});
  transaction.commit();
  next.version = version;
}

std::optional<Error> SqliteStore::doubt() const { return impl_->doubt; }

StoredRecords SqliteStore::newest_records() {
  if (impl_->database == nullptr) return {};
  const SqliteTransaction snapshot(*impl_->database, "BEGIN");
  return {impl_->read_state(), impl_->read_journal(kNewest)};
}

StoredRecords SqliteStore::records() {
  if (impl_->database == nullptr) return {};
  const SqliteTransaction snapshot(*impl_->database, "BEGIN");
  return {impl_->read_state(), impl_->read_journal(kWholeJournal)};
}

}  // namespace dagloop
