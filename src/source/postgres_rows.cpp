#include "source/postgres_rows.hpp"

namespace dagloop {
namespace {

constexpr int kRowsAtOnce = 5000;

}  // namespace

std::string_view text_in(const pqxx::row& row, pqxx::row::size_type column) {
  const pqxx::field field = row[column];
  return {field.c_str(), field.size()};
}

RowName row_name(const PostgresTable& table, const pqxx::row& row, pqxx::row::size_type first) {
  const std::string_view origin = text_in(row, first + 2);
  return {origin.empty() ? table.name : origin, text_in(row, first + 1)};
}

void fetch_rows(pqxx::transaction_base& transaction, const std::string& query,
                const std::function<void(const pqxx::row&)>& take) {
  // With a cursor: libpq would otherwise hold the whole answer in memory. All rows are fetched, so
  // a plan that gives the first ones soon is the wrong one.
  transaction.exec("SET LOCAL cursor_tuple_fraction = 1");
  transaction.exec("DECLARE dagloop_rows NO SCROLL CURSOR FOR " + query);
  const std::string fetch = "FETCH " + std::to_string(kRowsAtOnce) + " FROM dagloop_rows";
  for (;;) {
    const pqxx::result some = transaction.exec(fetch);
    if (some.empty()) break;
    for (const pqxx::row& row : some) take(row);
  }
  transaction.exec("CLOSE dagloop_rows");
}

}  // namespace dagloop
