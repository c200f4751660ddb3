#include "source/content_hash.hpp"

#include <fcntl.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

// Blocks are chained, so that a log that has grown is hashed from its last whole block on.
constexpr std::uint64_t kBlock = std::uint64_t{1} << 18;
constexpr std::uint64_t kEnd = std::uint64_t{1} << 16;

std::uint64_t hash_of(const OpenFile& file, std::uint64_t from, std::uint64_t size,
                      std::vector<char>& buffer) {
  buffer.resize(size);
  file.read(buffer.data(), from, size);
  return XXH3_64bits(buffer.data(), size);
}

// Hashes of the blocks [first, last), found by several threads.
std::vector<std::uint64_t> block_hashes(const OpenFile& file, std::uint64_t first,
                                        std::uint64_t last, unsigned threads) {
  std::vector<std::uint64_t> hashes(last - first);
  std::vector<std::exception_ptr> errors(threads);
  std::atomic<std::uint64_t> next{0};
  const auto work = [&](unsigned thread) {
    std::vector<char> buffer;
    try {
      for (std::uint64_t i = next++; i < hashes.size(); i = next++) {
        hashes[i] = hash_of(file, (first + i) * kBlock, kBlock, buffer);
      }
    } catch (...) {
      errors[thread] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    // A few blocks are hashed before another thread has begun.
    for (unsigned i = 1; i < threads && hashes.size() > 16; ++i) others.emplace_back(work, i);
    work(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return hashes;
}

std::pair<std::uint64_t, std::uint64_t> hashes_of_ends(const OpenFile& file, std::uint64_t size) {
  std::vector<char> buffer;
  const std::uint64_t part = std::min(size, kEnd);
  const std::uint64_t head = hash_of(file, 0, part, buffer);
  return {head, hash_of(file, size - part, part, buffer)};
}

}  // namespace

OpenFile::OpenFile(std::string path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw Error(ErrorKind::source, path_, std::generic_category().message(errno),
                "check the path and that this user may read it");
  }
}

OpenFile::~OpenFile() { ::close(descriptor_); }

struct stat OpenFile::info() const {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) {
    throw Error(ErrorKind::source, path_, std::generic_category().message(errno),
                "check the disk and that the file is still there");
  }
  return info;
}

void OpenFile::read(char* out, std::uint64_t from, std::uint64_t size) const {
  for (std::uint64_t done = 0; done < size;) {
    const ssize_t got =
        ::pread(descriptor_, out + done, size - done, static_cast<off_t>(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw Error(ErrorKind::source, path_,
                  got < 0 ? std::generic_category().message(errno)
                          : std::string("became shorter while it was read"),
                  "read it again when nothing truncates it");
    }
    done += static_cast<std::uint64_t>(got);
  }
}

ContentHash extend_hash(const OpenFile& file, const ContentHash& known, std::uint64_t known_size,
                        std::uint64_t size, unsigned threads) {
  ContentHash hash = known;
  const std::uint64_t blocks = size / kBlock;
  for (const std::uint64_t block :
       block_hashes(file, known_size / kBlock, blocks, std::max(1U, threads))) {
    const std::array<std::uint64_t, 3> link{hash.low, hash.high, block};
    const XXH128_hash_t next = XXH3_128bits(link.data(), sizeof link);
    hash.low = next.low64;
    hash.high = next.high64;
  }
  std::vector<char> buffer;
  hash.rest = hash_of(file, blocks * kBlock, size % kBlock, buffer);
  std::tie(hash.head, hash.tail) = hashes_of_ends(file, size);
  return hash;
}

bool ends_match(const OpenFile& file, const ContentHash& hash, std::uint64_t size) {
  return hashes_of_ends(file, size) == std::pair(hash.head, hash.tail);
}

std::uint64_t end_of_lines(const OpenFile& file, std::uint64_t from, std::uint64_t size) {
  std::vector<char> buffer(kEnd);
  while (size > from) {
    const std::uint64_t part = std::min(size - from, kEnd);
    file.read(buffer.data(), size - part, part);
    // Backwards from the end: a log that is written to ends in the middle of a line, seldom of a
    // long one.
    const std::size_t newline = std::string_view(buffer.data(), part).rfind('\n');
    if (newline != std::string_view::npos) return size - part + newline + 1;
    size -= part;
  }
  return from;
}

}  // namespace dagloop
