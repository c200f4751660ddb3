// Private to the record layer: the text of a line of any log as a value. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "dagloop/base/json.hpp"

namespace dagloop {

/// Returns the value that `text` is; nullopt where it is no JSON.
std::optional<Json> json_of(std::string_view text);

}  // namespace dagloop
