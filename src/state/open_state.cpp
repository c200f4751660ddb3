#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/state/postgres_store.hpp"
#include "dagloop/state/sqlite_store.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

std::unique_ptr<StateStore> open_state(const std::string& uri, StateAccess access,
                                       const StateTrust& trust) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (uri.starts_with(kSqlite) && uri.size() > kSqlite.size()) {
    return std::make_unique<SqliteStore>(uri.substr(kSqlite.size()), access, trust);
  }
  if (uri.starts_with("postgresql://") || uri.starts_with("postgres://")) {
    return std::make_unique<PostgresStore>(uri, access);
  }
  throw Error(ErrorKind::usage, "state",
              "state is kept in SQLite or PostgreSQL, not in \"" + redact_uri(uri) + "\"",
              "give sqlite:PATH or postgresql://HOST/DATABASE");
}

}  // namespace dagloop
