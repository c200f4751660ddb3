// Private to the source layer: a stream cut into chunks of whole lines. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/byte_stream.hpp"
#include "source/chunk.hpp"

namespace dagloop {

/// Cuts a byte stream into chunks.
class LineStream {
 public:
  /// Shape: `chunk_bytes` >= 1 is the size aimed at; a longer line makes a longer chunk, up to
  ///        kMaxLineBytes. A UTF-8 byte order mark at the start is dropped.
  LineStream(std::unique_ptr<ByteStream> bytes, std::size_t chunk_bytes);

  /// Fills `chunk` with the next lines; returns false at the end.
  ///
  /// Shape:  kLinePadding bytes behind the text are readable.
  /// Errors: Error{source} from the byte stream.
  bool next(Chunk& chunk);

 private:
  std::size_t fill(Buffer& buffer, std::size_t size, std::size_t target);
  void skip_line();

  std::unique_ptr<ByteStream> bytes_;
  std::size_t chunk_bytes_;
  std::string carry_;  // the start of a line whose end was not read yet
  bool at_end_ = false;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace dagloop
