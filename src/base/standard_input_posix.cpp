#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "base/descriptor.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/standard_input.hpp"

namespace dagloop {
namespace {

off_t kept_from = -1;  // standard input is the process's own, and there is one

[[noreturn]] void refuse_input(int error_number) {
  throw Error(ErrorKind::source, "standard input",
              "cannot be kept to be read twice: " + std::generic_category().message(error_number),
              "write it into a file, and name that as --source");
}

Descriptor nameless_file() {
  const char* directory = std::getenv("TMPDIR");
  std::string path = directory == nullptr || *directory == '\0' ? "/tmp" : directory;
  path += "/dagloop_XXXXXX";
  Descriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0 || ::unlink(path.c_str()) != 0) refuse_input(errno);
  return file;
}

// Returns how many bytes there were; 0 at the end.
std::size_t read_some(std::array<char, 1 << 16>& into) {
  for (;;) {
    const ssize_t size = ::read(STDIN_FILENO, into.data(), into.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) refuse_input(errno);
  }
}

void write_kept(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
    if (size < 0 && errno != EINTR) refuse_input(errno);
    if (size > 0) bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

void keep_standard_input() {
  kept_from = ::lseek(STDIN_FILENO, 0, SEEK_CUR);
  if (kept_from >= 0) return;  // a file: it is there to be read again
  const Descriptor file = nameless_file();
  std::array<char, 1 << 16> bytes{};
  while (const std::size_t size = read_some(bytes)) {
    write_kept(file.get(), {bytes.data(), size});
  }
  kept_from = 0;
  if (::dup2(file.get(), STDIN_FILENO) < 0) refuse_input(errno);
  rewind_standard_input();
}

void rewind_standard_input() {
  if (kept_from >= 0 && ::lseek(STDIN_FILENO, kept_from, SEEK_SET) < 0) refuse_input(errno);
}

}  // namespace dagloop
