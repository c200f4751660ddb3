// Private to the source layer: an uncompressed file, read at several places at once.
#pragma once

#include <memory>
#include <string>

#include "source/chunk_reader.hpp"

namespace dagloop {

/// Opens `path` if it is a regular file that is not compressed; nullptr for anything else.
///
/// Shape:  the file is read up to the size that it has now.
/// Errors: next() throws Error{source} when it cannot be read or has become shorter.
std::unique_ptr<ChunkReader> open_plain_file(const std::string& path, std::size_t chunk_bytes);

}  // namespace dagloop
