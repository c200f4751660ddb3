// Private to the layers that ask PostgreSQL: the one place that takes libpqxx's exceptions. What
// they mean for the caller, the caller says. A header alone, so that who asks no PostgreSQL links
// none.
#pragma once

#include <exception>
#include <pqxx/pqxx>
#include <string>

#include "dagloop/base/redaction.hpp"

namespace dagloop {

/// What went wrong with a server.
enum class PostgresFault {
  in_doubt,    // the connection broke in the middle of a commit
  connection,  // there is none, or it broke
  privilege,   // this user may not
  no_table,
  no_column,
  canceled,  // it took too long, or somebody stopped it
  other,
};

/// A fault, and the server's own words for it.
struct PostgresFailure {
  PostgresFault fault = PostgresFault::other;
  std::string text;   // the first line, without secrets
  std::string whole;  // may hold secrets
};

/// Returns what an exception of the package is.
inline PostgresFault postgres_fault(const pqxx::failure& error) {
  constexpr const char* kQueryCanceled = "57014";
  const auto* base = &error;
  if (dynamic_cast<const pqxx::in_doubt_error*>(base) != nullptr) return PostgresFault::in_doubt;
  if (dynamic_cast<const pqxx::broken_connection*>(base) != nullptr) {
    return PostgresFault::connection;
  }
  const auto* refusal = dynamic_cast<const pqxx::sql_error*>(base);
  if (refusal == nullptr) return PostgresFault::other;
  if (dynamic_cast<const pqxx::insufficient_privilege*>(refusal) != nullptr) {
    return PostgresFault::privilege;
  }
  if (dynamic_cast<const pqxx::undefined_table*>(refusal) != nullptr) {
    return PostgresFault::no_table;
  }
  if (dynamic_cast<const pqxx::undefined_column*>(refusal) != nullptr) {
    return PostgresFault::no_column;
  }
  return refusal->sqlstate() == kQueryCanceled ? PostgresFault::canceled : PostgresFault::other;
}

/// Returns what `work` returns; where the package throws, what `otherwise` makes of the
/// PostgresFailure: a value of the same type, or an Error of the caller.
template <typename Work, typename Otherwise>
auto guard_postgres(Work work, Otherwise otherwise) -> decltype(work()) {
  const auto failed = [&](PostgresFault fault, const std::string& whole) {
    return otherwise(
        PostgresFailure{fault, redact_text(whole.substr(0, whole.find('\n')), 300), whole});
  };
  // What is no failure of the server's own: an answer of other rows or values than were asked for.
  const auto unreadable = [&](const std::exception& error) {
    return failed(PostgresFault::other, std::string("an answer cannot be read: ") + error.what());
  };
  try {
    return work();
  } catch (const pqxx::failure& error) {
    return failed(postgres_fault(error), error.what());
  } catch (const pqxx::conversion_error& error) {
    return unreadable(error);
  } catch (const pqxx::range_error& error) {
    return unreadable(error);
  }
}

}  // namespace dagloop
