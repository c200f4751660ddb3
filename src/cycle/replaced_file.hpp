// Replaces files and leaves no temporary file of ours behind where that fails. Private to the cycle
// layer.
#pragma once

#include <string>

#include "dagloop/base/file_system.hpp"

namespace dagloop {

/// Replaces a file as replace_file() does. Errors: as there; nothing is left of it then.
void replace_wholly(FileSystem& files, const std::string& path, const std::string& content,
                    const FileAttributes& attributes = {});

/// Replaces a file as exchange_file() does. Errors: as there; what is left of it then is what was
/// taken out of its place.
void exchange_wholly(FileSystem& files, const FileExchange& exchange);

}  // namespace dagloop
