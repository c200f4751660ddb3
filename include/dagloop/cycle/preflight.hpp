// What must hold before a tick decides anything. Fails closed.
#pragma once

#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"

namespace dagloop {

/// Whether the env file is going to be written.
enum class EnvFileUse { read, write };

/// Checks env file, report directory, state directory, disk space and the places of all that a
/// change rests on (closed_places.hpp); where the env file is going to be written, whether it can.
///
/// Errors: Error{preflight} naming the path, what is wrong and what to do.
void check_preflight(FileSystem& files, const Config& config, EnvFileUse use);

}  // namespace dagloop
