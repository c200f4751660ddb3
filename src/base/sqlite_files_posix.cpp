#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <string_view>

#include "base/sqlite_files.hpp"
#include "base/trusted_uid.hpp"

namespace dagloop {
namespace {

// A log that somebody else may have made, or that is another file's, too: what it holds would be
// written into the database.
bool is_a_log(std::string_view path) {
  return path.ends_with("-journal") || path.ends_with("-wal") || path.ends_with("-shm");
}

bool may_be_used(const struct stat& status, std::string_view path) {
  // Directories are opened to be synced, and a device for random numbers.
  if (!S_ISREG(status.st_mode)) return S_ISDIR(status.st_mode) || S_ISCHR(status.st_mode);
  if (!is_trusted_uid(status.st_uid)) return false;
  if (is_a_log(path) && status.st_nlink > 1) return false;
  return (status.st_mode & S_IWOTH) == 0;
}

// In the place of open(2) within SQLite. Never waits at a pipe.
int open_checked(const char* path, int flags, int mode) {
  const int descriptor = ::open(path, flags | O_NONBLOCK | O_CLOEXEC, mode);
  if (descriptor < 0) return descriptor;
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && may_be_used(status, path)) return descriptor;
  ::close(descriptor);
  errno = EPERM;
  return -1;
}

}  // namespace

void check_files_of_sqlite() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    if (vfs == nullptr || vfs->iVersion < 3) return;
    // The type that SQLite keeps all of its calls by.
    vfs->xSetSystemCall(vfs, "open", reinterpret_cast<sqlite3_syscall_ptr>(&open_checked));
  });
}

}  // namespace dagloop
