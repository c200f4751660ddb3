// Private to the source layer: the text of ClickHouse's answers. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dagloop {

/// Returns the fields of a row of TabSeparated.
std::vector<std::string> clickhouse_fields(std::string_view line);

/// Hands each row of an answer to `take`.
void for_each_clickhouse_row(std::string_view body,
                             const std::function<void(std::string_view)>& take);

/// Returns the fields of all rows.
std::vector<std::vector<std::string>> clickhouse_rows(std::string_view body);

/// Reads a whole number.
///
/// Errors: Error{source} for anything else.
std::int64_t clickhouse_integer(const std::string& digits);

/// Returns what the error code in a server's message asks of the operator.
std::string clickhouse_remedy(const std::string& message);

}  // namespace dagloop
