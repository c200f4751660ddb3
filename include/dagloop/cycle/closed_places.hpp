// Whether all that a change forward rests on lies where nobody else can put another file in its
// place, and whether the env file can be replaced at all. A way back asks for neither: it goes with
// the files as they are read (guarded_file.hpp). Source: docs/operations.md, "Guarded files".
#pragma once

#include <optional>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"

namespace dagloop {

/// Checks the places of configuration, env file, allowlist, rules, approvers and state file.
///
/// Errors: those of check_closed().
void check_closed_places(FileSystem& files, const Config& config);

/// Returns why the env file cannot be replaced, or would lose something by it, and what to do: it
/// is mounted by itself, has a second name, or this user may not write it, write to its directory,
/// or give a file to its owner. nullopt: it can, or there is none.
std::optional<Error> replacement_fault(FileSystem& files, const PolicyConfig& policy);

}  // namespace dagloop
