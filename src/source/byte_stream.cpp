#include "source/byte_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "dagloop/base/error.hpp"
#include "dagloop/base/standard_input.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
static_assert(kZstdMagic.size() == kMagicBytes);

bool is_gzip(const std::string& path, std::string_view head) {
  // Name or content: a file named .gz that is no gzip must fail as corrupt, not be read as text.
  return path.ends_with(".gz") || head.starts_with(kGzipMagic);
}

bool is_zstd(const std::string& path, std::string_view head) {
  return path.ends_with(".zst") || head.starts_with(kZstdMagic);
}

[[noreturn]] void fail(const std::string& path, int error_number) {
  throw Error(ErrorKind::source, path, std::generic_category().message(error_number),
              "check the path and that this user may read it");
}

class FileBytes final : public ByteStream {
 public:
  explicit FileBytes(std::string path) : path_(std::move(path)) {
    if (path_ == "-") {
      rewind_standard_input();
      return;
    }
    // A pipe that nobody writes to must not hold the open.
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) fail(path_, errno);
    struct stat info {};
    if (::fstat(descriptor_, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
      ::close(descriptor_);
      throw Error(ErrorKind::source, path_, "is no regular file",
                  "a stream is read from standard input: give - and pipe it in");
    }
  }
  ~FileBytes() override {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  std::size_t read(char* out, std::size_t capacity) override {
    if (head_.empty()) return read_file(out, capacity);
    const std::size_t size = head_.copy(out, capacity);
    head_.erase(0, size);
    return size;
  }

  std::uint64_t file_bytes() const override { return file_bytes_; }

  // Returns the first bytes, which the next read() gives again: standard input is read once.
  std::string_view peek() {
    std::array<char, kMagicBytes> bytes{};
    while (head_.size() < bytes.size()) {
      const std::size_t size = read_file(bytes.data(), bytes.size() - head_.size());
      if (size == 0) break;
      head_.append(bytes.data(), size);
    }
    return head_;
  }

 private:
  std::size_t read_file(char* out, std::size_t capacity) {
    for (;;) {
      const ssize_t size = ::read(descriptor_, out, capacity);
      if (size >= 0) {
        file_bytes_ += static_cast<std::uint64_t>(size);
        return static_cast<std::size_t>(size);
      }
      if (errno != EINTR) fail(path_, errno);
    }
  }

  std::string path_;
  int descriptor_ = STDIN_FILENO;
  std::string head_;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace

bool is_compressed(const std::string& path, std::string_view head) {
  return is_gzip(path, head) || is_zstd(path, head);
}

std::unique_ptr<ByteStream> open_bytes(const std::string& path) {
  auto file = std::make_unique<FileBytes>(path);
  const std::string_view head = file->peek();
  if (is_gzip(path, head)) return make_gzip_stream(path, std::move(file));
  if (is_zstd(path, head)) return make_zstd_stream(path, std::move(file));
  return file;
}

}  // namespace dagloop
