#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/descriptor.hpp"
#include "base/trusted_uid.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop {
namespace {

// No document, env file or key comes near it; a device or a log given by mistake has no end.
constexpr std::size_t kMaxFileBytes = std::size_t{128} << 20;

[[noreturn]] void refuse(const std::string& path, const std::string& what, int error) {
  const char* remedy = "check the path and its permissions";
  if (error == ENOSPC || error == EDQUOT) remedy = "free disk space";
  if (error == EROFS) remedy = "the file system is read-only: remount it or use another path";
  if (error == EFBIG) remedy = "give the path of the right file";
  if (error == EBUSY) remedy = "it is mounted by itself: mount the directory that holds it instead";
  if (error == EIO) remedy = "check the disk";
  if (error == EMFILE || error == ENFILE) remedy = "raise the limit of open files";
  throw Error(ErrorKind::preflight, path, what + ": " + std::strerror(error), remedy);
}

void write_all(const Descriptor& file, const std::string& path, const std::string& content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t wrote = ::write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) refuse(path, "cannot be written", errno);
    done += static_cast<std::size_t>(wrote);
  }
}

void take_attributes(const Descriptor& file, const std::string& path,
                     const FileAttributes& attributes) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) refuse(path, "cannot be examined", errno);
  // Owner first, mode last: chown clears the set-user bits, and nobody new may read it in between.
  const uid_t uid = attributes.uid.value_or(status.st_uid);
  const gid_t gid = attributes.gid.value_or(status.st_gid);
  if ((uid != status.st_uid || gid != status.st_gid) && ::fchown(file.get(), uid, gid) != 0) {
    refuse(path, "its owner cannot be kept", errno);
  }
  if (::fchmod(file.get(), attributes.mode) != 0) refuse(path, "its mode cannot be set", errno);
}

FileInfo info_of(const struct stat& status) {
  FileInfo info;
  info.is_directory = S_ISDIR(status.st_mode);
  info.is_regular = S_ISREG(status.st_mode);
  info.size_bytes = static_cast<std::uint64_t>(status.st_size);
  info.mode = status.st_mode & 07777U;
  info.uid = status.st_uid;
  info.gid = status.st_gid;
  info.links = status.st_nlink;
  info.is_trusted = is_trusted_uid(status.st_uid);
  return info;
}

// A single file that is mounted, as containers do, has no other mark than this.
bool is_mount_point(const std::string& path) {
  struct statx status {};
  const int result =
      ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status);
  return result == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool can_be_given(const struct stat& status) {
  if (::geteuid() == 0) return true;
  if (status.st_uid != ::geteuid()) return false;
  return status.st_gid == ::getegid() || ::group_member(status.st_gid) != 0;
}

// A file opened for reading, and whether a symbolic link led to it.
struct Opened {
  int descriptor = -1;
  bool is_symlink = false;
};

int open_to_read(const std::string& path, int flags) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
}

// Does not wait at a pipe.
Opened open_to_check(const std::string& path) {
  Opened opened{open_to_read(path, O_NOFOLLOW | O_NONBLOCK)};
  if (opened.descriptor >= 0 || errno != ELOOP) return opened;
  return {open_to_read(path, O_NONBLOCK), true};
}

FileInfo info_of_opened(const std::string& path, const Opened& opened) {
  struct stat status {};
  if (::fstat(opened.descriptor, &status) != 0) refuse(path, "cannot be examined", errno);
  FileInfo info = info_of(status);
  info.is_symlink = opened.is_symlink;
  // The kernel's own name of what is open; what the path leads to may be another file by now.
  std::error_code error;
  const std::string name = "/proc/self/fd/" + std::to_string(opened.descriptor);
  info.real_path = std::filesystem::read_symlink(name, error).string();
  return info;
}

// A pipe or a device has no end, and may hold whoever opens it.
void demand_file(const std::string& path, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse(path, "cannot be examined", errno);
  // Reading a directory says by itself what is wrong.
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return;
  throw Error(ErrorKind::preflight, path, "is no regular file",
              "give the path of a file; a pipe that the caller opened is /dev/stdin or /dev/fd/N");
}

// What the caller opened is read as it is, even where it is a pipe: `--decision <(...)`.
bool is_callers_own(const std::string& path) {
  return path == "/dev/stdin" || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

// A file that was new and is not whole: nobody's, and removed.
class HalfFile {
 public:
  HalfFile(const std::string& path, FileAttributes::Existing existing)
      : path_(existing == FileAttributes::Existing::refuse ? path.c_str() : nullptr) {}
  ~HalfFile() {
    if (path_ != nullptr) ::unlink(path_);
  }
  HalfFile(const HalfFile&) = delete;
  HalfFile& operator=(const HalfFile&) = delete;
  void is_whole() { path_ = nullptr; }

 private:
  const char* path_;
};

void make_parents(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(parent_directory(path), error);
  if (error) refuse(parent_directory(path), "the directory cannot be made", error.value());
}

}  // namespace

std::optional<std::string> PosixFileSystem::read_checked(const std::string& path,
                                                         const FileCheck& check) {
  const bool waits = !check && is_callers_own(path);
  const Opened opened =
      check ? open_to_check(path) : Opened{open_to_read(path, waits ? 0 : O_NONBLOCK)};
  const Descriptor file(opened.descriptor);
  if (file.get() < 0 && errno == ENOENT) return std::nullopt;
  if (file.get() < 0) refuse(path, "cannot be opened", errno);
  if (check) check(info_of_opened(path, opened));
  if (!check && !waits) demand_file(path, file.get());
  std::string content;
  std::string block(65'536, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path, "cannot be read", errno);
    if (got == 0) return content;
    content.append(block, 0, static_cast<std::size_t>(got));
    if (content.size() > kMaxFileBytes) refuse(path, "is not read", EFBIG);
  }
}

std::optional<FileInfo> PosixFileSystem::stat(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    refuse(path, "cannot be examined", errno);
  }
  const bool is_symlink = S_ISLNK(status.st_mode);
  const bool is_trusted_link = is_symlink && is_trusted_uid(status.st_uid);
  const bool leads_nowhere = is_symlink && ::stat(path.c_str(), &status) != 0;
  if (leads_nowhere && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
    refuse(path, "cannot be examined", errno);
  }
  FileInfo info = info_of(status);
  info.is_symlink = is_symlink;
  std::error_code error;
  if (is_symlink) {
    info.is_trusted_link = is_trusted_link;
    info.link_target = std::filesystem::read_symlink(path, error).string();
  }
  if (leads_nowhere) return info;
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) != 0) {
    if (errno == ENOENT) return std::nullopt;  // removed this very moment
    refuse(path, "cannot be examined", errno);
  }
  info.real_path = std::filesystem::canonical(path, error).string();
  info.is_mount_point = is_mount_point(path);
  info.can_be_given = can_be_given(status);
  info.writable = ::access(path.c_str(), W_OK) == 0;
  info.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  return info;
}

std::vector<std::string> PosixFileSystem::list(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error && error.value() != ENOENT) refuse(path, "cannot be listed", error.value());
  // The order of a directory differs from machine to machine; what is read first must not.
  std::sort(names.begin(), names.end());
  return names;
}

void PosixFileSystem::write_synced(const std::string& path, const std::string& content,
                                   const FileAttributes& attributes) {
  make_parents(path);
  // 0600 until the wanted mode is set: nobody reads a secret in between.
  const int how = attributes.existing == FileAttributes::Existing::refuse ? O_EXCL : O_TRUNC;
  Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | how, 0600));
  if (file.get() < 0) refuse(path, "cannot be created", errno);
  HalfFile half(path, attributes.existing);
  take_attributes(file, path, attributes);
  write_all(file, path, content);
  // Before any rename: a name on disk whose content is not there yet is an empty file after a
  // crash.
  if (::fsync(file.get()) != 0) refuse(path, "cannot be synced to disk", errno);
  if (file.close() != 0) refuse(path, "cannot be closed", errno);
  half.is_whole();
}

bool PosixFileSystem::rename_synced(const std::string& from, const std::string& to,
                                    RenameMode mode) {
  const int result = mode == RenameMode::replace ? ::rename(from.c_str(), to.c_str())
                                                 : ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD,
                                                               to.c_str(), RENAME_EXCHANGE);
  if (result != 0) {
    const bool cannot = errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
    if (cannot && mode == RenameMode::exchange) return false;
    refuse(to, "cannot be replaced", errno);
  }
  const std::string directory = parent_directory(to);
  // The rename itself is on disk only when the directory is.
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) refuse(directory, "cannot be opened", errno);
  if (::fsync(opened.get()) != 0) refuse(directory, "cannot be synced to disk", errno);
  return true;
}

void PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) refuse(path, "cannot be removed", errno);
}

std::string unguessable_word() {
  std::uint64_t number = 0;
  // Waits once, early after a boot; so few bytes never come in parts.
  while (::getrandom(&number, sizeof number, 0) < 0) {
    if (errno != EINTR) refuse("getrandom", "gives no random numbers", errno);
  }
  return fmt::format("{:016x}", number);
}

std::unique_ptr<FileLock> FileLock::try_acquire(const std::string& path) {
  make_parents(path);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) refuse(path, "the lock file cannot be opened", errno);
  // flock and not a file with a process id: the kernel frees it when the process dies, however.
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    return std::unique_ptr<FileLock>(new FileLock(descriptor));
  }
  const int error = errno;
  ::close(descriptor);
  if (error != EWOULDBLOCK) refuse(path, "cannot be locked", error);
  return nullptr;
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace dagloop
