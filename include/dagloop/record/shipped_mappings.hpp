// The mappings that ship (config/mappings/), compiled into the executables. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dagloop {

/// Returns the text of the shipped mapping of a name; nullopt where none has it.
std::optional<std::string_view> shipped_mapping(std::string_view name);

/// Returns the names of all shipped mappings.
std::vector<std::string_view> shipped_mappings();

}  // namespace dagloop
