// Private to the source layer: the bytes of a file or of standard input, decompressed. One thread
// at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace dagloop {

/// Bytes in order, until their end.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Reads at most `capacity` (>= 1) bytes to `out`; returns their number, 0 only at the end.
  ///
  /// Errors: Error{source} naming the file when it cannot be read, is corrupt or truncated.
  virtual std::size_t read(char* out, std::size_t capacity) = 0;
  /// Returns how many bytes of the file were read so far, before decompression.
  virtual std::uint64_t file_bytes() const = 0;
};

/// Bytes at the start of a file that tell whether it is compressed.
inline constexpr std::size_t kMagicBytes = 4;

/// Returns whether a file of this name and these first bytes is compressed, and so read as a
/// stream.
bool is_compressed(const std::string& path, std::string_view head);

/// Opens `path` ("-": standard input). Compressed is what is named *.gz or *.zst, or starts with
/// the magic bytes of gzip or zstd.
///
/// Errors: Error{source} when it cannot be opened or is a directory.
std::unique_ptr<ByteStream> open_bytes(const std::string& path);

/// Returns `from` (of file `path`) decompressed as gzip, of one or more members.
std::unique_ptr<ByteStream> make_gzip_stream(std::string path, std::unique_ptr<ByteStream> from);

/// Returns `from` (of file `path`) decompressed as zstd, of one or more frames.
std::unique_ptr<ByteStream> make_zstd_stream(std::string path, std::unique_ptr<ByteStream> from);

}  // namespace dagloop
