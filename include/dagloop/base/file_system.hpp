// The file-system seam for small files: documents, env files, keys. Log files are streamed by the
// source layer instead. Replaced in tests by an in-memory double and by one that fails on demand.
// Not thread-safe across writers of one path; callers hold a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"

namespace dagloop {

/// What stat tells of a path: of the file that a symbolic link leads to, but for `is_symlink`.
struct FileInfo {
  bool is_symlink = false;       // the path itself, not a directory on the way
  std::string link_target = {};  // of a link, as it stands there
  bool is_trusted_link = true;   // a link of root's or ours, wherever it leads
  bool is_directory = false;
  bool is_regular = true;
  std::uint64_t size_bytes = 0;
  std::uint32_t mode = 0600;  // permission bits only, e.g. 0640
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t links = 1;       // names of the file
  bool is_trusted = true;        // owned by root or by the user who runs this
  std::string real_path;         // without any link; empty where one leads nowhere
  bool is_mount_point = false;   // something is mounted there, perhaps this file alone
  bool can_be_given = true;      // this process may give a file of its own this owner and group
  bool writable = false;         // by this process, by the file's own permission
  std::uint64_t free_bytes = 0;  // on its file system, for unprivileged users
};

/// Permission and owner of a file to be written.
struct FileAttributes {
  std::uint32_t mode = 0644;
  std::optional<std::uint32_t> uid;  // unchanged when absent
  std::optional<std::uint32_t> gid;
  enum class Existing { overwrite, refuse } existing = Existing::overwrite;
};

/// What becomes of the file that a rename finds in its place.
enum class RenameMode {
  replace,   // it is gone
  exchange,  // the two files change places
};

/// Looks at a file that is open for reading, before a byte of it is read; throws to refuse it.
using FileCheck = std::function<void(const FileInfo&)>;

/// Reads and writes whole small files.
///
/// Errors: every method throws Error{preflight} naming the path when the system refuses, except
///         where it says otherwise.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// Returns the content of the file at `path`, nullopt where there is none; at most 128 MiB. What
  /// is no regular file is refused, but for what the caller has open (/dev/stdin, /dev/fd/N).
  std::optional<std::string> read(const std::string& path) { return read_checked(path, nullptr); }
  /// Returns the content of the very file that passed `check`; never waits for one who writes into
  /// a pipe. Without a check like read().
  virtual std::optional<std::string> read_checked(const std::string& path,
                                                  const FileCheck& check) = 0;
  /// Returns what stat says of `path`, nullopt where there is nothing. A link that leads nowhere is
  /// something.
  virtual std::optional<FileInfo> stat(const std::string& path) = 0;
  /// Returns the names (not paths) in directory `path`, sorted; empty where there is none.
  virtual std::vector<std::string> list(const std::string& path) = 0;
  /// Creates or truncates `path` with `content`, sets `attributes` before any byte is written, and
  /// syncs it to disk. Missing parent directories are made.
  virtual void write_synced(const std::string& path, const std::string& content,
                            const FileAttributes& attributes) = 0;
  /// Renames `from` to `to`, in one step, and syncs the directory. Returns whether it was done:
  /// false, and nothing happened, only where the file system cannot exchange files.
  virtual bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) = 0;
  /// Removes the file at `path`; nothing happens where there is none.
  virtual void remove(const std::string& path) = 0;
};

/// Returns 16 hexadecimal digits, others at every call, which nobody can guess: for names of
/// temporary files. Thread-safe.
std::string unguessable_word();

/// Replaces the file at `path` so that a reader sees the old content or the new, never half of one:
/// temporary file in the same directory, sync, rename, sync of the directory.
///
/// Order: the temporary file has `word` in its name; where this fails, discard_temporary() follows.
void replace_file(FileSystem& files, const std::string& path, const std::string& content,
                  const FileAttributes& attributes = {},
                  const std::string& word = unguessable_word());

/// A file that is to be replaced where it holds what is expected.
struct FileExchange {
  std::string path;
  std::string temporary;  // beside it; nobody else knows the name, and whoever recovers does
  std::string expected;
  std::string content;
  FileAttributes attributes;
};

/// Replaces a file as replace_file() does, but only where it holds what is expected: the two files
/// change places, and what was there is looked at then, so that nothing is lost which another
/// program writes by a rename until the last instant.
///
/// Order:  after a crash, settle_exchange() finishes what was left half done.
/// Errors: Error{conflict} where the file holds something else, which then stands. Where that was
///         written over meanwhile, too, it is kept as `path`.conflict. Where the file system cannot
///         exchange files, the file is looked at right before it is replaced.
void exchange_file(FileSystem& files, const FileExchange& exchange);

/// Whether somebody else could have known a temporary file's name beforehand.
enum class TemporaryName { unguessable, guessable };

/// An exchange_file() that was interrupted.
struct InterruptedExchange {
  std::string path;
  std::string temporary;
  std::string before_sha256;  // of the expected content, in hex
  std::string after_sha256;   // of the new one
  TemporaryName name = TemporaryName::unguessable;
};

/// What became of the temporary file of an exchange that was interrupted.
enum class Settled { nothing_there, done, left_as_it_is };

/// Finishes an exchange that was interrupted: where the new content is in place and what it took
/// the place of was not the expected one, that goes back. Removes the temporary file.
///
/// Shape: what cannot be ours is left as it is, and not opened: a link, a pipe, a file with a
///        second name, a stranger's, one that everybody may write; under a guessable name also what
///        holds neither the expected content nor the new one.
Settled settle_exchange(FileSystem& files, const InterruptedExchange& interrupted);

/// Removes a temporary file that holds `content`, what was to be written: what was taken out of its
/// place by an exchange, and what cannot be ours, stays.
void discard_temporary(FileSystem& files, const std::string& temporary, const std::string& content);

/// Returns the name of a temporary file beside `path`.
std::string temporary_path(const std::string& path, const std::string& word);

/// Returns the directory part of `path` ("." where there is none).
std::string parent_directory(const std::string& path);

/// The machine's file system.
class PosixFileSystem final : public FileSystem {
 public:
  std::optional<std::string> read_checked(const std::string& path, const FileCheck& check) override;
  std::optional<FileInfo> stat(const std::string& path) override;
  std::vector<std::string> list(const std::string& path) override;
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override;
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override;
  void remove(const std::string& path) override;
};

/// An exclusive advisory lock (flock) on a file, held for the object's life and freed by the kernel
/// if the process dies.
class FileLock {
 public:
  /// Returns the lock on `path` (made when missing, parents too), nullptr when another holds it.
  static std::unique_ptr<FileLock> try_acquire(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace dagloop
