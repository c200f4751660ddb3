#include "dagloop/state/postgres_store.hpp"

#include <pqxx/pqxx>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/uri.hpp"
#include "stored_documents.hpp"

namespace dagloop {
namespace {

// Two hosts may both find no tables: the lock lets one after the other look.
constexpr const char* kCreate = R"sql(
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
)sql";

// Frees the lock of the session; where the session is gone, so is the lock.
class AdvisoryLock final : public StateLock {
 public:
  AdvisoryLock(std::shared_ptr<pqxx::connection> connection, std::string name)
      : connection_(std::move(connection)), name_(std::move(name)) {}
  ~AdvisoryLock() override {
    try {
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

class NoLock final : public StateLock {};

// A connection that was made anew by itself would go on without the lock. Deprecated because the
// next release of the package never does that.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
void stay_with(pqxx::connection& connection) { connection.inhibit_reactivation(true); }
#pragma GCC diagnostic pop

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct PostgresStore::Impl {
  std::string where;  // without secrets
  std::string name;
  StateAccess access;
  std::shared_ptr<pqxx::connection> connection;
  bool exists = true;  // false: read-only, and there are no tables yet

  // Runs `work` and turns the package's exceptions into errors of the store.
  template <typename Work>
  auto guarded(Work work) {
    try {
      return work();
    } catch (const pqxx::in_doubt_error&) {
      throw Error(
          ErrorKind::preflight, where,
          "the connection broke in the middle of a commit: it may have been made or not",
          "check that the server runs; the next invocation sees which, and goes on from it");
    } catch (const pqxx::broken_connection& error) {
      throw Error(ErrorKind::preflight, where, redact_text(first_line(error.what()), 300),
                  "check that the server runs, and host, user and password");
    } catch (const pqxx::insufficient_privilege& error) {
      throw Error(ErrorKind::preflight, where, redact_text(first_line(error.what()), 300),
                  "let this user create the schema dagloop once, and read and write its tables");
    } catch (const pqxx::failure& error) {
      throw Error(ErrorKind::preflight, where, redact_text(first_line(error.what()), 300),
                  "see the server's log; nothing was written");
    }
  }

  void open(const std::string& uri) {
    connection = std::make_shared<pqxx::connection>(uri);
    stay_with(*connection);
    if (access == StateAccess::read_only) {
      pqxx::read_transaction look(*connection);
      exists = !look.exec1("SELECT to_regclass('dagloop.state')").front().is_null();
      return;
    }
    // A notice that a table is there already is no news.
    connection->set_variable("client_min_messages", "warning");
    pqxx::work create(*connection);
    if (create.exec1("SELECT to_regclass('dagloop.journal')").front().is_null()) {
      create.exec(kCreate);
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
  impl_->guarded([&] { impl_->open(server); });
}

PostgresStore::~PostgresStore() = default;

std::unique_ptr<StateLock> PostgresStore::try_lock() {
  if (impl_->access == StateAccess::read_only) return std::make_unique<NoLock>();
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

CycleState PostgresStore::load() {
  if (!impl_->exists) return {};
  const pqxx::result found = impl_->guarded([this] {
    pqxx::nontransaction session(*impl_->connection);
    return session.exec_params("SELECT version, document FROM dagloop.state WHERE name = $1",
                               impl_->name);
  });
  if (found.empty()) return {};
  CycleState state = read_stored_state(found[0][1].as<std::string>(), impl_->where);
  state.version = found[0][0].as<std::uint64_t>();
  return state;
}

void PostgresStore::commit(CycleState& next, const std::vector<JournalEvent>& events) {
  DAGLOOP_ASSERT(impl_->access == StateAccess::read_write);
  const std::string document = stored_state_text(next);
  impl_->guarded([&] {
    pqxx::work transaction(*impl_->connection);
    transaction.exec("SET LOCAL synchronous_commit = on");
    // A row to lock, also for the first commit: of two hosts that add it one waits for the other.
    transaction.exec_params(
        "INSERT INTO dagloop.state VALUES ($1, 1, 0, '', 0, $2) ON CONFLICT DO NOTHING",
        impl_->name, JournalHead().hash);
    const pqxx::row stored = transaction.exec_params1(
        "SELECT version, head_sequence, head_hash FROM dagloop.state WHERE name = $1 FOR UPDATE",
        impl_->name);
    if (stored[0].as<std::uint64_t>() != next.version) {
      throw Error(ErrorKind::conflict, impl_->where, "another process changed the state",
                  "nothing was written: try again");
    }
    JournalHead head{stored[1].as<std::uint64_t>(), stored[2].as<std::string>()};
    for (const JournalEvent& event : events) {
      const JournalEntry entry = chain_event(head, event);
      transaction.exec_params("INSERT INTO dagloop.journal VALUES ($1, $2, $3)", impl_->name,
                              entry.sequence, to_canonical_json(journal_entry_to_json(entry)));
      head = {entry.sequence, entry.hash};
    }
    transaction.exec_params(
        "UPDATE dagloop.state SET version = $2, document = $3, head_sequence = $4, head_hash = $5 "
        "WHERE name = $1",
        impl_->name, next.version + 1, document, head.sequence, head.hash);
    transaction.commit();
  });
  ++next.version;
}

std::vector<JournalEntry> PostgresStore::journal() {
  std::vector<JournalEntry> entries;
  if (!impl_->exists) return entries;
  const pqxx::result rows = impl_->guarded([this] {
    pqxx::nontransaction session(*impl_->connection);
    return session.exec_params(
        "SELECT sequence, document FROM dagloop.journal WHERE name = $1 ORDER BY sequence",
        impl_->name);
  });
  for (const pqxx::row& row : rows) {
    const auto sequence = row[0].as<std::uint64_t>();
    entries.push_back(
        read_stored_entry(row[1].as<std::string>(), sequence,
                          impl_->where + ": journal entry " + std::to_string(sequence)));
  }
  return entries;
}

JournalHead PostgresStore::journal_head() {
  if (!impl_->exists) return {};
  const pqxx::result found = impl_->guarded([this] {
    pqxx::nontransaction session(*impl_->connection);
    return session.exec_params("SELECT head_sequence, head_hash FROM dagloop.state WHERE name = $1",
                               impl_->name);
  });
  if (found.empty()) return {};
  return {found[0][0].as<std::uint64_t>(), found[0][1].as<std::string>()};
}

}  // namespace dagloop
