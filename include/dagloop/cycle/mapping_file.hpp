// Where a mapping comes from: a file, or one that ships, by its name. Thread-safe.
#pragma once

#include <string>

#include "dagloop/base/file_system.hpp"
#include "dagloop/record/mapping.hpp"

namespace dagloop {

/// Reads the mapping that --mapping or `input.mapping` names; empty: the default one.
///
/// Shape:  the name of a shipped mapping, e.g. "langfuse"; a file of such a name is `./langfuse`.
/// Errors: Error{config}; where there is no such file, with the names of those that ship.
Mapping load_mapping(FileSystem& files, const std::string& name);

}  // namespace dagloop
