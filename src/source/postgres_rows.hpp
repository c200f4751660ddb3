// Private to the source layer: rows of json_rows_query(), as libpq gives them.
#pragma once

#include <functional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "source/postgres_table.hpp"
#include "source/row_examples.hpp"

namespace dagloop {

/// Returns the text of a column; empty where that is NULL. It lives as long as the row.
std::string_view text_in(const pqxx::row& row, pqxx::row::size_type column);

/// Returns what a row of json_rows_query() is called, whose columns begin at `first`; it lives as
/// long as both.
RowName row_name(const PostgresTable& table, const pqxx::row& row, pqxx::row::size_type first);

/// Gives all rows of a SELECT, of which only some are held in memory at a time.
void fetch_rows(pqxx::transaction_base& transaction, const std::string& query,
                const std::function<void(const pqxx::row&)>& take);

}  // namespace dagloop
