#include "source/postgres_repetition.hpp"

#include <algorithm>

#include "base/postgres_guard.hpp"
#include "source/postgres_aggregate.hpp"

namespace dagloop {
namespace {

constexpr int kManyRepeated = 100'000;

// Whether any key may stand more than once: mostly none does, and telling so costs half of listing.
bool may_repeat(pqxx::transaction_base& transaction, const RepetitionScope& scope) {
  const auto is_unique = [&](const PostgresTable& table) {
    return has_unique_runs(table, scope.count.mapping);
  };
  if (std::ranges::any_of(scope.tables, is_unique)) return true;  // listing looks at few rows
  transaction.exec("SET LOCAL max_parallel_workers_per_gather = 0");
  const pqxx::row row = transaction.exec1(repetition_query(scope.tables, scope.count));
  transaction.exec("SET LOCAL max_parallel_workers_per_gather TO DEFAULT");
  return row[0].as<bool>();
}

// None where a second connection or the snapshot was not to be had, or was lost: then the caller's
// own connection does the work, or says what is wrong.
std::optional<std::string> search(const std::string& server, const std::string& snapshot,
                                  const RepetitionScope& scope) {
  const auto look = [&] {
    // A second connection that sees exactly what the first one sees: both read one exported
    // snapshot.
    pqxx::connection connection(server);
    PostgresSnapshot transaction(connection);
    transaction.exec("SET TRANSACTION SNAPSHOT '" + transaction.esc(snapshot) + "'");
    prepare_statements(transaction, scope.timeout);
    return std::optional(repeated_keys(transaction, scope));
  };
  const auto none = [](const PostgresFailure&) -> std::optional<std::string> {
    return std::nullopt;
  };
  return guard_postgres(look, none);
}

}  // namespace

std::string repeated_keys(pqxx::transaction_base& transaction, const RepetitionScope& scope) {
  if (!may_repeat(transaction, scope)) return "";
  std::string asked = repeated_query(scope.tables, scope.count);
  // Sorting finds them in half the time of hashing.
  transaction.exec("SET LOCAL enable_hashagg = off");
  transaction.exec("SET LOCAL parallel_tuple_cost = 0.01");
  const pqxx::result found =
      transaction.exec(asked + " LIMIT " + std::to_string(kManyRepeated + 1));
  transaction.exec("SET LOCAL enable_hashagg = on");
  transaction.exec("SET LOCAL parallel_tuple_cost TO DEFAULT");
  // Beyond that a list is longer to parse than the query is to run again.
  if (found.size() > kManyRepeated) return asked;
  std::string keys;
  for (const pqxx::row& row : found) {
    if (!row[0].is_null()) keys += (keys.empty() ? "" : ",") + row[0].as<std::string>();
  }
  return keys.empty() ? "" : "SELECT unnest('{" + keys + "}'::int8[])";
}

void prepare_statements(pqxx::transaction_base& transaction, std::chrono::milliseconds timeout) {
  transaction.exec("SET LOCAL TIME ZONE 'UTC'");
  transaction.exec("SET LOCAL standard_conforming_strings = on");
  // Compiling takes longer than it saves; sorts and groups of a window fit into this memory.
  transaction.exec("SET LOCAL jit = off");
  transaction.exec("SET LOCAL work_mem = '64MB'");
  transaction.exec("SET LOCAL statement_timeout = " + std::to_string(timeout.count()));
}

RepetitionSearch::RepetitionSearch(const std::string& server, const std::string& snapshot,
                                   const RepetitionScope& scope)
    : scope_(scope) {
  found_ = std::async(std::launch::async,
                      [server, snapshot, scope] { return search(server, snapshot, scope); });
}

std::string RepetitionSearch::finish(pqxx::transaction_base& transaction) {
  const std::optional<std::string> found = found_.get();
  return found ? *found : repeated_keys(transaction, scope_);
}

}  // namespace dagloop
