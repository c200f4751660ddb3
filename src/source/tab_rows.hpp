// Private to the source layer: an answer of ClickHouse, a row a line, fields between tabs. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dagloop {

/// Gives each line of an answer.
void for_each_row(std::string_view body, const std::function<void(std::string_view)>& take);
/// Returns the fields of all lines, unescaped.
std::vector<std::vector<std::string>> rows_of(std::string_view body);

}  // namespace dagloop
