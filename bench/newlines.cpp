// The raw limit of reading lines: two threads read a file and count newlines.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

int main(int, char** argv) {
  constexpr std::size_t kBlock = std::size_t{1} << 19;
  const int file = ::open(argv[1], O_RDONLY);
  std::atomic<off_t> next{0};
  std::atomic<std::size_t> lines{0};
  const auto scan = [&] {
    std::vector<char> block(kBlock);
    for (;;) {
      const ssize_t got = ::pread(file, block.data(), kBlock, next.fetch_add(kBlock));
      if (got <= 0) return;
      lines += static_cast<std::size_t>(std::count(block.begin(), block.begin() + got, '\n'));
    }
  };
  std::jthread other(scan);
  scan();
  other.join();
  std::printf("%zu\n", lines.load());
}
