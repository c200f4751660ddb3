#include <algorithm>
#include <utility>

#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/source/rollup_store.hpp"
#include "source/postgres_rollup_store.hpp"
#include "source/sqlite_rollup_store.hpp"

namespace dagloop {

std::chrono::milliseconds rollup_patience(std::chrono::milliseconds statement_timeout) {
  constexpr std::chrono::milliseconds kMost = std::chrono::seconds(50);
  // A part that leaves room for connecting, too.
  return std::min(kMost, statement_timeout * 4 / 5);
}

std::unique_ptr<RollupStore> open_rollup_store(const std::string& uri,
                                               std::function<void(const std::string&)> warn,
                                               const RollupTrust& trust,
                                               std::chrono::milliseconds patience) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (uri.starts_with(kSqlite) && uri.size() > kSqlite.size()) {
    return std::make_unique<SqliteRollupStore>(uri.substr(kSqlite.size()), std::move(warn), trust);
  }
  if (uri.starts_with("postgresql://") || uri.starts_with("postgres://")) {
    return std::make_unique<PostgresRollupStore>(uri, std::move(warn), patience);
  }
  throw Error(ErrorKind::usage, "rollup",
              "counts are kept in SQLite or PostgreSQL, not in \"" + redact_uri(uri) + "\"",
              "give sqlite:PATH or postgresql://...");
}

}  // namespace dagloop
