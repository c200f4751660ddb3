// The raw limit of reading lines: two threads read a file and count newlines.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

// Counts in single bytes, which a vector holds many of, and adds those up before one overflows.
static std::size_t count_newlines(const char* data, std::size_t size) {
  std::size_t lines = 0;
  while (size > 0) {
    const std::size_t some = std::min<std::size_t>(size, 255);
    std::uint8_t few = 0;
    for (std::size_t i = 0; i < some; ++i) few = static_cast<std::uint8_t>(few + (data[i] == '\n'));
    lines += few;
    data += some;
    size -= some;
  }
  return lines;
}

int main(int, char** argv) {
  constexpr std::size_t kBlock = std::size_t{1} << 19;
  const int file = ::open(argv[1], O_RDONLY);
  std::atomic<off_t> next{0};
  std::atomic<std::size_t> lines{0};
  const auto scan = [&] {
    char* block = static_cast<char*>(std::aligned_alloc(4096, kBlock));  // whole pages copy faster
    for (;;) {
      const ssize_t got = ::pread(file, block, kBlock, next.fetch_add(kBlock));
      if (got <= 0) break;
      lines += count_newlines(block, static_cast<std::size_t>(got));
    }
    std::free(block);
  };
  std::jthread other(scan);
  scan();
  other.join();
  std::printf("%zu\n", lines.load());
}
