#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/state/sqlite_store.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

std::unique_ptr<StateStore> open_state(const std::string& uri, StateAccess access) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (uri.starts_with(kSqlite) && uri.size() > kSqlite.size()) {
    return std::make_unique<SqliteStore>(uri.substr(kSqlite.size()), access);
  }
  throw Error(ErrorKind::usage, "state",
              "this version keeps state in SQLite, not in \"" + redact_uri(uri) + "\"",
              "give sqlite:PATH");
}

}  // namespace dagloop
