// Private to the record layer: the `k=v;k=v` text of a detail column. Pure.
#pragma once

#include <algorithm>
#include <string_view>

#include "dagloop/base/ascii.hpp"

namespace dagloop {

/// Calls `visit` with the key (without spaces around it) and the text of the value of each pair, in
/// their order; what has no `=` is none. Of a repeated key the last counts.
template <typename Visit>
void for_each_pair(std::string_view detail, const Visit& visit) {
  while (!detail.empty()) {
    const std::string_view pair = detail.substr(0, detail.find(';'));
    detail.remove_prefix(std::min(detail.size(), pair.size() + 1));
    const std::size_t separator = pair.find('=');
    if (separator == std::string_view::npos) continue;
    visit(trim_spaces(pair.substr(0, separator)), pair.substr(separator + 1));
  }
}

}  // namespace dagloop
