#include "dagloop/state/postgres_store.hpp"

#include <chrono>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <utility>

#include "base/postgres_guard.hpp"
#include "base/socket_deadline.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/uri.hpp"

namespace dagloop {
namespace {

// For one question or commit: a way back of the next tick must not wait for ever.
constexpr std::chrono::seconds kPatience{15};

// Two hosts may both find no tables: the lock lets one after the other look.
constexpr const char* kCreateSchema = R"sql(
  SELECT pg_advisory_xact_lock(hashtextextended('dagloop/create', 0));
  CREATE SCHEMA IF NOT EXISTS dagloop;
  CREATE TABLE IF NOT EXISTS dagloop.state (
    name text PRIMARY KEY,
    schema_version integer NOT NULL CHECK (schema_version = 1),
    version bigint NOT NULL,
    document text NOT NULL,
    head_sequence bigint NOT NULL,
    head_hash text NOT NULL
  );
  CREATE TABLE IF NOT EXISTS dagloop.journal (
    name text NOT NULL,
    sequence bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (name, sequence)
  );
  CREATE TABLE IF NOT EXISTS dagloop.evidence (
    name text PRIMARY KEY,
    document text NOT NULL
  );
)sql";

constexpr const char* kReadState = R"sql(
  SELECT version, document, head_sequence, head_hash FROM dagloop.state WHERE name = $1
)sql";

// Frees the lock of the session; where the session is gone, so is the lock.
class AdvisoryLock final : public StateLock {
 public:
  AdvisoryLock(std::shared_ptr<pqxx::connection> connection, std::string name)
      : connection_(std::move(connection)), name_(std::move(name)) {}
  ~AdvisoryLock() override {
    try {
      const SocketDeadline deadline(connection_->sock(), kPatience);
      pqxx::nontransaction session(*connection_);
      session.exec_params("SELECT pg_advisory_unlock(hashtextextended('dagloop/state/' || $1, 0))",
                          name_);
    } catch (const std::exception&) {
      // nothing to free
    }
  }
  AdvisoryLock(const AdvisoryLock&) = delete;
  AdvisoryLock& operator=(const AdvisoryLock&) = delete;

 private:
  std::shared_ptr<pqxx::connection> connection_;
  std::string name_;
};

// Readers take no lock: they read one snapshot, and a dry run must not keep a tick waiting.
class NoPostgresLock final : public StateLock {};

// A connection that was made anew by itself would go on without the lock. Deprecated because the
// next release of the package never does that.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
void stay_with(pqxx::connection& connection) { connection.inhibit_reactivation(true); }
#pragma GCC diagnostic pop

constexpr const char* kInDoubt =
    "the connection broke in the middle of a commit: it may have been made or not";

// What a fault asks of the operator.
const char* remedy_for(PostgresFault fault) {
  switch (fault) {
    case PostgresFault::in_doubt:
      return "check that the server runs; the next invocation sees which, and goes on from it";
    case PostgresFault::connection:
      return "check that the server runs, and host, user and password";
    case PostgresFault::privilege:
      return "let this user create the schema dagloop once, and read and write its tables";
    default:
      return "see the server's log; nothing was written";
  }
}

}  // namespace

struct PostgresStore::Impl {
  std::string where;  // without secrets
  std::string name;
  StateAccess access;
  std::shared_ptr<pqxx::connection> connection;
  bool exists = true;        // false: read-only, and there are no tables yet
  bool has_evidence = true;  // false: read-only, and the tables are an earlier version's

  // Runs `work` and turns the package's exceptions into errors of the store.
  template <typename Work>
  auto guarded(Work work) {
    std::optional<SocketDeadline> deadline;
    if (connection) deadline.emplace(connection->sock(), kPatience);
    return guard_postgres(work, [&](const PostgresFailure& failure) -> decltype(work()) {
      const bool is_in_doubt = failure.fault == PostgresFault::in_doubt;
      if (deadline && deadline->is_over() && !is_in_doubt) {
        throw Error(ErrorKind::preflight, where,
                    "gave no answer for " + std::to_string(kPatience.count()) + " s",
                    "check that the server runs, and is not frozen or overloaded");
      }
      throw Error(ErrorKind::preflight, where, is_in_doubt ? kInDoubt : failure.text,
                  remedy_for(failure.fault));
    });
  }

  // Reads the state and the entries of `selection`, as they were at one moment.
  StoredRecords read(const std::string& selection) {
    // Repeatable read: otherwise a commit between the two queries gives a head without its entry.
    using Snapshot = pqxx::transaction<pqxx::isolation_level::repeatable_read,
                                       pqxx::readwrite_policy::read_only>;
    StoredRecords records;
    if (!exists) return records;
    guarded([&] {
      Snapshot snapshot(*connection);
      const pqxx::result state = snapshot.exec_params(kReadState, name);
      if (!state.empty()) {
        records.state =
            StoredState{state[0][0].as<std::uint64_t>(),
                        state[0][1].as<std::string>(),
                        {state[0][2].as<std::uint64_t>(), state[0][3].as<std::string>()},
                        {}};
      }
      if (records.state && has_evidence) {
        const pqxx::result evidence =
            snapshot.exec_params("SELECT document FROM dagloop.evidence WHERE name = $1", name);
        if (!evidence.empty()) records.state->evidence = evidence[0][0].as<std::string>();
      }
      const pqxx::result journal = snapshot.exec_params(
          "SELECT sequence, document FROM dagloop.journal WHERE name = $1" + selection, name);
      for (const pqxx::row& row : journal) {
        records.journal.push_back({row[0].as<std::uint64_t>(), row[1].as<std::string>()});
      }
    });
    return records;
  }

  // A trigger or a rule of the server may turn a write into nothing, or into another one.
  void check_written(const pqxx::result& rows, const std::vector<std::string>& wanted) const {
    bool is_there = rows.size() == 1;
    for (std::size_t i = 0; is_there && i < wanted.size(); ++i) {
      is_there = rows[0][static_cast<pqxx::row::size_type>(i)].c_str() == wanted[i];
    }
    if (is_there) return;
    throw Error(
        ErrorKind::preflight, where, "a write that is said to be done was not made",
        "nothing was written: look for triggers and rules on the tables of the schema dagloop");
  }

  void connect(const std::string& server) {
    connection = std::make_shared<pqxx::connection>(with_deadlines(server));
    stay_with(*connection);
  }

  void prepare() {
    if (access == StateAccess::read_only) {
      pqxx::read_transaction look(*connection);
      exists = !look.exec1("SELECT to_regclass('dagloop.state')").front().is_null();
      has_evidence = !look.exec1("SELECT to_regclass('dagloop.evidence')").front().is_null();
      return;
    }
    // A notice that a table is there already is no news.
    connection->set_variable("client_min_messages", "warning");
    pqxx::work create(*connection);
    if (create.exec1("SELECT to_regclass('dagloop.evidence')").front().is_null()) {
      create.exec(kCreateSchema);
    }
    create.commit();
  }
};

PostgresStore::PostgresStore(const std::string& uri, StateAccess access)
    : impl_(std::make_unique<Impl>()) {
  std::string server = uri;
  impl_->name = take_parameter(server, "state_name").value_or("default");
  server = postgres_server(server);
  impl_->where = redact_uri(server);
  impl_->access = access;
  impl_->guarded([&] { impl_->connect(server); });
  impl_->guarded([&] { impl_->prepare(); });
}

PostgresStore::~PostgresStore() = default;

std::unique_ptr<StateLock> PostgresStore::try_lock() {
  if (impl_->access == StateAccess::read_only) return std::make_unique<NoPostgresLock>();
  const bool is_held = impl_->guarded([this] {
    pqxx::nontransaction session(*impl_->connection);
    return session
        .exec_params1("SELECT pg_try_advisory_lock(hashtextextended('dagloop/state/' || $1, 0))",
                      impl_->name)
        .front()
        .as<bool>();
  });
  if (!is_held) return nullptr;
  return std::make_unique<AdvisoryLock>(impl_->connection, impl_->name);
}

CycleState PostgresStore::load() { return checked_state(newest_records(), impl_->where); }

void PostgresStore::commit(CycleState& next, const std::vector<JournalEvent>& events) {
  DAGLOOP_ASSERT(impl_->access == StateAccess::read_write);
  DAGLOOP_ASSERT(!events.empty());
  const std::uint64_t version = next.version + 1;
  const StateDocuments documents = documents_of(next);
  impl_->guarded([&] {
    pqxx::work transaction(*impl_->connection);
    // The server may be set to answer before the disk has it. The env file must not be written
    // before the intent to write it is safe.
    transaction.exec("SET LOCAL synchronous_commit = on");
    // A row to lock, also for the first commit: of two hosts that add it one waits for the other.
    transaction.exec_params(
        "INSERT INTO dagloop.state VALUES ($1, 1, 0, '', 0, $2) ON CONFLICT DO NOTHING",
        impl_->name, JournalHead().hash);
    const pqxx::result rows = transaction.exec_params(
        "SELECT version, head_sequence, head_hash FROM dagloop.state WHERE name = $1 FOR UPDATE",
        impl_->name);
    impl_->check_written(rows, {});
    const pqxx::row stored = rows[0];
    // The lock above belongs to a session and may be lost with it. The version is what stops a
    // second writer even then.
    if (stored[0].as<std::uint64_t>() != next.version) {
      throw Error(ErrorKind::conflict, impl_->where, "another process changed the state",
                  "nothing was written: try again");
    }
    JournalHead head{stored[1].as<std::uint64_t>(), stored[2].as<std::string>()};
    for (const JournalEvent& event : events) {
      const JournalEntry entry = chain_event(head, event, state_sha256(version, documents.state));
      const std::string text = to_canonical_json(journal_entry_to_json(entry));
      impl_->check_written(
          transaction.exec_params(
              "INSERT INTO dagloop.journal VALUES ($1, $2, $3) RETURNING sequence, document",
              impl_->name, entry.sequence, text),
          {std::to_string(entry.sequence), text});
      head = {entry.sequence, entry.hash};
    }
    impl_->check_written(
        transaction.exec_params("UPDATE dagloop.state SET version = $2, document = $3, "
                                "head_sequence = $4, head_hash = $5 WHERE name = $1 "
                                "RETURNING version, document, head_sequence, head_hash",
                                impl_->name, version, documents.state, head.sequence, head.hash),
        {std::to_string(version), documents.state, std::to_string(head.sequence), head.hash});
    if (!documents.keeps_stored_evidence) {
      impl_->check_written(
          transaction.exec_params(
              "INSERT INTO dagloop.evidence VALUES ($1, $2) "
              "ON CONFLICT (name) DO UPDATE SET document = excluded.document RETURNING document",
              impl_->name, documents.evidence),
          {documents.evidence});
    }
    transaction.commit();
  });
  next.version = version;
}

StoredRecords PostgresStore::newest_records() {
  return impl_->read(" ORDER BY sequence DESC LIMIT 1");
}

StoredRecords PostgresStore::records() { return impl_->read(" ORDER BY sequence"); }

}  // namespace dagloop
