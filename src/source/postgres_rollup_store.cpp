#include "source/postgres_rollup_store.hpp"

#include <charconv>
#include <pqxx/pqxx>
#include <utility>

#include "base/postgres_guard.hpp"
#include "base/socket_deadline.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/uri.hpp"

namespace dagloop {
namespace {

// As in sql/0005_rollup.sql. Two hosts may both find no tables: one after the other looks.
constexpr const char* kCreate = R"sql(
  SELECT pg_advisory_xact_lock(hashtextextended('dagloop/create', 0));
  CREATE SCHEMA IF NOT EXISTS dagloop;
  CREATE TABLE IF NOT EXISTS dagloop.rollup_log (log text PRIMARY KEY, version bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS dagloop.rollup (
    log text NOT NULL,
    name text COLLATE "C" NOT NULL,
    checksum text NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (log, name)
  );
)sql";

std::string hex_of(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex = "\\x";
  hex.reserve(2 * bytes.size() + 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 0xFU];
  }
  return hex;
}

std::string bytes_of(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    unsigned byte = 0;
    const char* digits = hex.data() + 2 * i;
    std::from_chars(digits, digits + 2, byte, 16);
    bytes[i] = static_cast<char>(byte);
  }
  return bytes;
}

bool have_tables(pqxx::transaction_base& transaction) {
  return !transaction.exec1("SELECT to_regclass('dagloop.rollup')")[0].is_null();
}

}  // namespace

struct PostgresRollupStore::Impl {
  std::string server;
  std::string where;  // without secrets
  std::function<void(const std::string&)> warn;
  std::chrono::milliseconds patience{0};  // a statement
  std::unique_ptr<pqxx::connection> connection;

  // What the server refuses is a warning, and the store is as an empty one.
  template <typename Result, typename Work>
  Result guarded(Result otherwise, Work work) {
    return guard_postgres(
        [&]() -> Result {
          if (!connection) connection = std::make_unique<pqxx::connection>(server);
          const SocketDeadline deadline(connection->sock(), patience);
          return work();
        },
        [&](const PostgresFailure& failure) {
          // A broken connection is not used again; the next call makes a new one.
          connection.reset();
          if (warn) {
            warn("rollup: " + where + ": " + failure.text +
                 "; everything is counted, and nothing kept");
          }
          warn = nullptr;
          return otherwise;
        });
  }

  bool write(const std::string& log, std::uint64_t expected_version, const RollupChange& change) {
    pqxx::work transaction(*connection);
    if (!have_tables(transaction)) transaction.exec(kCreate);
    transaction.exec_params(
        "INSERT INTO dagloop.rollup_log VALUES ($1, 0) ON CONFLICT (log) DO NOTHING", log);
    // The version is both the lock and the check: of two writers one finds the other's number.
    const pqxx::result grown = transaction.exec_params(
        "UPDATE dagloop.rollup_log SET version = version + 1 WHERE log = $1 AND version = $2", log,
        expected_version);
    if (grown.affected_rows() != 1) return false;
    if (change.others == RollupChange::Others::erased) {
      transaction.exec_params("DELETE FROM dagloop.rollup WHERE log = $1", log);
    }
    for (const std::string& name : change.erased) {
      transaction.exec_params("DELETE FROM dagloop.rollup WHERE log = $1 AND name = $2", log, name);
    }
    for (const auto& [name, value] : change.written) {
      transaction.exec_params(
          "INSERT INTO dagloop.rollup SELECT $1, $2, md5(value), value FROM (SELECT $3::bytea AS "
          "value) AS given ON CONFLICT (log, name) DO UPDATE SET checksum = excluded.checksum, "
          "bytes = excluded.bytes",
          log, name, hex_of(value));
    }
    transaction.commit();
    return true;
  }
};

PostgresRollupStore::PostgresRollupStore(const std::string& uri,
                                         std::function<void(const std::string&)> warn,
                                         std::chrono::milliseconds patience)
    : impl_(std::make_unique<Impl>()) {
  const std::string server = postgres_server(uri);
  impl_->server = with_deadlines(server);
  impl_->where = redact_uri(server);
  impl_->warn = std::move(warn);
  impl_->patience = patience;
}

PostgresRollupStore::~PostgresRollupStore() = default;

RollupValues PostgresRollupStore::load(const std::string& log, const std::string& first,
                                       const std::string& last) {
  return impl_->guarded(RollupValues{}, [&] {
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> transaction(*impl_->connection);
    RollupValues loaded;
    if (!have_tables(transaction)) return loaded;
    const pqxx::result version =
        transaction.exec_params("SELECT version FROM dagloop.rollup_log WHERE log = $1", log);
    if (version.empty()) return loaded;
    loaded.version = version[0][0].as<std::uint64_t>();
    for (const pqxx::row& row : transaction.exec_params(
             "SELECT name, encode(bytes, 'hex') FROM dagloop.rollup WHERE log = $1 AND name >= $2 "
             "AND name <= $3 AND md5(bytes) = checksum",
             log, first, last)) {
      loaded.values[row[0].as<std::string>()] = bytes_of(row[1].as<std::string>());
    }
    return loaded;
  });
}

bool PostgresRollupStore::commit(const std::string& log, std::uint64_t expected_version,
                                 const RollupChange& change) {
  return impl_->guarded(false, [&] { return impl_->write(log, expected_version, change); });
}

}  // namespace dagloop
