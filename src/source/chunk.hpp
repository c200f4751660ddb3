// Private to the source layer: whole lines of a file in one buffer, and what gives them out.
#pragma once

#include <cstdint>
#include <new>
#include <string_view>
#include <vector>

#include "dagloop/record/record_reader.hpp"

namespace dagloop {

/// Dropped at the start of a file.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// How much of a line is held: it may have a carriage return more than the limit.
inline constexpr std::uint64_t kMaxHeldBytes = kMaxLineBytes + 1;
/// How much of a longer line is looked at: too much for a line, whatever its last byte is.
inline constexpr std::uint64_t kOverlongBytes = kMaxHeldBytes + 1;

/// Gives memory at page boundaries: the kernel copies several times as fast between pages that are
/// equally aligned.
template <typename T>
struct PageAllocator {
  using value_type = T;
  static constexpr std::align_val_t kPage{4096};
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kPage));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, kPage); }
  bool operator==(const PageAllocator&) const = default;
};

/// Bytes of a file, at a page boundary.
using Buffer = std::vector<char, PageAllocator<char>>;

/// Whole lines of a file. The buffer is reused from chunk to chunk.
struct Chunk {
  Buffer buffer;                 // `text` and kLinePadding readable bytes behind it
  std::string_view text;         // lines with their newlines; the file's last may lack it
  std::uint64_t text_begin = 0;  // where it begins in the file; only of plain files
  std::uint64_t sequence = 0;    // the chunk's place in the file, from 0
  // The first kOverlongBytes of one line more behind `text`, which is too long to be held; else
  // empty. Likewise padded.
  std::string_view overlong;
  std::uint64_t file_bytes = 0;  // read from the file for this chunk, before decompression
};

/// Cuts one file into chunks.
class ChunkReader {
 public:
  virtual ~ChunkReader() = default;
  /// Fills `chunk` with lines that no other call gets; returns false when all are given out. Chunks
  /// may be empty. May be called by several threads at once.
  ///
  /// Errors: Error{source} when the file cannot be read, is corrupt or truncated.
  virtual bool next(Chunk& chunk) = 0;
};

}  // namespace dagloop
