// Private to the source layer: the search for keys that more than one run record has. It takes a
// process of the server about as long as counting takes another, so it goes on beside that, on a
// connection of its own that sees the same snapshot.
#pragma once

#include <chrono>
#include <future>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "source/packed_runs.hpp"
#include "source/postgres_table.hpp"

namespace dagloop {

/// A read-only transaction of one instant.
using PostgresSnapshot = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

/// Sets what every statement of a transaction relies on: zone, quotes, memory and timeout.
void prepare_statements(pqxx::transaction_base& transaction, std::chrono::milliseconds timeout);

/// What the search looks at. Outlives it.
struct RepetitionScope {
  const std::vector<PostgresTable>& tables;
  CountScope count;
  std::chrono::milliseconds timeout;
};

/// Returns a query of one column for the hashes of the keys (repeated_query); empty where there are
/// none.
std::string repeated_keys(pqxx::transaction_base& transaction, const RepetitionScope& scope);

/// One search. Used from one thread; it has another of its own.
class RepetitionSearch {
 public:
  /// Starts. Order: `snapshot` is a name that an open transaction has exported.
  RepetitionSearch(const std::string& server, const std::string& snapshot,
                   const RepetitionScope& scope);

  /// Waits, and returns what repeated_keys() does. Where the search had no connection, it is done
  /// in `transaction`.
  std::string finish(pqxx::transaction_base& transaction);

 private:
  RepetitionScope scope_;
  std::future<std::optional<std::string>> found_;
};

}  // namespace dagloop
