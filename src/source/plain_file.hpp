// Private to the source layer: an uncompressed file, read at several places at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "source/chunk.hpp"

namespace dagloop {

/// Opens `path` if it is a regular file that is not compressed; nullptr for anything else.
///
/// Shape:  the file is read up to the size that it has now.
/// Errors: next() throws Error{source} when it cannot be read or has become shorter.
std::unique_ptr<ChunkReader> open_plain_file(const std::string& path, std::size_t chunk_bytes);

/// Bytes of a file, from the begin of a line to the end of one (or of the file).
struct PlainRange {
  std::uint64_t device = 0;  // with `inode`: which file it is, whatever the path says
  std::uint64_t inode = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Opens a part of a plain file; nullptr where the path is another file by now.
///
/// Errors: as open_plain_file; Error{source} where it cannot be opened.
std::unique_ptr<ChunkReader> open_plain_range(const std::string& path, std::size_t chunk_bytes,
                                              const PlainRange& range);

}  // namespace dagloop
