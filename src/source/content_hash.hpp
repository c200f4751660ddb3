// Private to the source layer: whether the first bytes of a file are those that were read before.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace dagloop {

/// A regular file, open for reading at any place.
class OpenFile {
 public:
  /// Errors: Error{source} when it cannot be opened.
  explicit OpenFile(std::string path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  /// Returns what the system says of the file that is open, whatever has become of its path.
  struct stat info() const;
  /// Reads exactly `size` bytes at `from`.
  ///
  /// Errors: Error{source} when it cannot be read or has become shorter.
  void read(char* out, std::uint64_t from, std::uint64_t size) const;

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// A hash of the first bytes of a file that can be extended without reading them all again.
struct ContentHash {
  std::uint64_t low = 0;  // with `high`: XXH3-128 of the blocks' hashes, block by block
  std::uint64_t high = 0;
  std::uint64_t rest = 0;  // of the bytes behind the last whole block
  std::uint64_t head = 0;  // of the first 64 KiB
  std::uint64_t tail = 0;  // of the last 64 KiB
  bool operator==(const ContentHash&) const = default;
};

/// Returns the hash of the first `size` bytes, of which the first `known_size` have the hash
/// `known`; reads the others, and up to a block more. Errors: as OpenFile::read.
ContentHash extend_hash(const OpenFile& file, const ContentHash& known, std::uint64_t known_size,
                        std::uint64_t size, unsigned threads);

/// Returns whether both ends of the first `size` bytes are as `hash` says. Errors: as above.
bool ends_match(const OpenFile& file, const ContentHash& hash, std::uint64_t size);

/// Returns the end of the last whole line in [from, size), `from` where there is none. Errors: as
/// above.
std::uint64_t end_of_lines(const OpenFile& file, std::uint64_t from, std::uint64_t size);

}  // namespace dagloop
