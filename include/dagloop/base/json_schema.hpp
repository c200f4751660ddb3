// The JSON Schemas that ship (config/schemas/), compiled into the executables, and validation
// against them (valijson). Thread-safe.
#pragma once

#include <string_view>

#include "dagloop/base/json.hpp"

namespace dagloop {

/// Returns the text of shipped schema `name`; an unknown name is a caller's bug.
std::string_view schema_text(std::string_view name);

/// Checks `document` against the shipped schema `name`.
///
/// Shape:  at most 100,000 values, keys of at most 512 bytes; no pattern, constant or word of a
///         list matches a text that is longer than that.
/// Errors: Error{config} "<where>: <path>: <what> (<what to do>); ..." with up to 20 faults.
/// Cost:   each schema is parsed once; calls for one schema wait for each other.
void validate_schema(const Json& document, std::string_view name, std::string_view where);

}  // namespace dagloop
