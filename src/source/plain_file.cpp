#include "source/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "dagloop/base/error.hpp"
#include "dagloop/record/record_reader.hpp"
#include "source/byte_stream.hpp"

namespace dagloop {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

// Bytes read at a time in search of the end of a chunk's last line.
constexpr std::uint64_t kMoreBytes = 65'536;

class PlainFile final : public ChunkReader {
 public:
  PlainFile(std::string path, int descriptor, std::uint64_t begin, std::uint64_t end,
            std::size_t chunk_bytes)
      : path_(std::move(path)),
        descriptor_(descriptor),
        begin_(begin),
        size_(end),
        chunk_bytes_(std::max(chunk_bytes, kByteOrderMark.size() + 1)) {
  }  // the first chunk holds it and what follows
  ~PlainFile() override { ::close(descriptor_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  bool next(Chunk& chunk) override {
    chunk.sequence = next_++;
    // Each caller cuts at fixed bytes, without waiting for the others. A line belongs to the chunk
    // that its first byte lies in.
    const std::uint64_t first = begin_ + chunk.sequence * chunk_bytes_;
    if (first >= size_) return false;
    const std::uint64_t last = std::min(first + chunk_bytes_, size_);
    chunk.text = {};
    chunk.overlong = {};
    chunk.file_bytes = last - first;
    cut(chunk, first, last);
    return true;
  }

 private:
  // Fills the chunk with the lines that begin in [first, last).
  void cut(Chunk& chunk, std::uint64_t first, std::uint64_t last) const {
    // The byte before tells whether a line begins at `first`; read from a page boundary.
    const std::uint64_t from = first == begin_ ? first : (first - 1) / kPageBytes * kPageBytes;
    std::uint64_t size = read(chunk, from, 0, last - from);
    std::uint64_t begin = 0;
    if (first != begin_) {
      const std::string_view bytes(chunk.buffer.data(), size);
      const std::size_t newline = bytes.find('\n', first - 1 - from);
      begin = newline == std::string_view::npos ? size : newline + 1;
    } else if (first == 0 &&
               std::string_view(chunk.buffer.data(), size).starts_with(kByteOrderMark)) {
      begin = kByteOrderMark.size();
    }
    // Where the last byte ends a line, the next one begins in the next chunk.
    if (begin == size) return;
    const std::uint64_t last_line = last_line_begin(chunk, begin, size);
    while (chunk.buffer[size - 1] != '\n' && from + size < size_) {
      const std::uint64_t searched = size;
      if (searched - last_line > kMaxHeldBytes) {
        chunk.overlong = {chunk.buffer.data() + last_line, kOverlongBytes};
        size = last_line;
        break;
      }
      size = read(chunk, from, size, std::min(size + kMoreBytes, size_ - from));
      const std::string_view more(chunk.buffer.data() + searched, size - searched);
      const std::size_t newline = more.find('\n');
      if (newline == std::string_view::npos) continue;
      size = searched + newline + 1;
      break;
    }
    chunk.text = std::string_view(chunk.buffer.data() + begin, size - begin);
    chunk.text_begin = from + begin;
  }

  static std::uint64_t last_line_begin(const Chunk& chunk, std::uint64_t begin,
                                       std::uint64_t size) {
    const std::string_view text(chunk.buffer.data() + begin, size - begin);
    const std::size_t newline = text.rfind('\n');
    return newline == std::string_view::npos ? begin : begin + newline + 1;
  }

  // Makes the buffer hold the bytes [from, from + target) of the file, of which it has `size`.
  std::uint64_t read(Chunk& chunk, std::uint64_t from, std::uint64_t size,
                     std::uint64_t target) const {
    // The reader of lines loads whole vectors and may look beyond the last byte.
    if (chunk.buffer.size() < target + kLinePadding) chunk.buffer.resize(target + kLinePadding);
    while (size < target) {
      const ssize_t got = ::pread(descriptor_, chunk.buffer.data() + size, target - size,
                                  static_cast<off_t>(from + size));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        throw Error(ErrorKind::source, path_, std::generic_category().message(errno),
                    "check the disk and that the file is still there");
      }
      if (got == 0) {
        throw Error(ErrorKind::source, path_, "became shorter while it was read",
                    "read it again when nothing truncates it");
      }
      size += static_cast<std::uint64_t>(got);
    }
    return size;
  }

  const std::string path_;
  const int descriptor_;
  const std::uint64_t begin_;  // a line begins here
  const std::uint64_t size_;
  const std::uint64_t chunk_bytes_;
  std::atomic<std::uint64_t> next_{0};
};

}  // namespace

std::unique_ptr<ChunkReader> open_plain_file(const std::string& path, std::size_t chunk_bytes) {
  if (path == "-" || is_compressed(path, "")) return nullptr;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return nullptr;  // the stream says why
  struct stat info {};
  std::array<char, kMagicBytes> head{};
  const bool is_file = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  const ssize_t size = is_file ? ::pread(descriptor, head.data(), head.size(), 0) : -1;
  if (size < 0 || is_compressed(path, {head.data(), static_cast<std::size_t>(size)})) {
    ::close(descriptor);
    return nullptr;
  }
  return std::make_unique<PlainFile>(path, descriptor, 0, static_cast<std::uint64_t>(info.st_size),
                                     chunk_bytes);
}

std::unique_ptr<ChunkReader> open_plain_range(const std::string& path, std::size_t chunk_bytes,
                                              const PlainRange& range) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    throw Error(ErrorKind::source, path, std::generic_category().message(errno),
                "check the path and that this user may read it");
  }
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || info.st_dev != range.device ||
      info.st_ino != range.inode) {
    ::close(descriptor);
    return nullptr;
  }
  return std::make_unique<PlainFile>(path, descriptor, range.begin, range.end, chunk_bytes);
}

}  // namespace dagloop
