// Files that the loop trusts: whoever can change one of them can change what is applied. They are
// read through here alone, and refused where somebody else might have written them.
// Which files, and what is asked of each: docs/operations.md, "Guarded files".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop {

/// Whether a guarded file may be a symbolic link (configuration, "policy.symlinks").
enum class Symlinks {
  refuse,
  same_tree,  // where its target lies below the directory that holds the link
  follow,     // anywhere; for files that name others, not for the configured ones
};

/// Who may own a guarded file, and the directory that holds it.
enum class TrustedOwner {
  ours,    // root, or the user who runs this
  anyone,  // a service's own file, or one whose content proves itself
};

/// What is asked of a guarded file.
struct FileGuard {
  std::string_view role;  // for messages, e.g. "env file"
  Symlinks symlinks = Symlinks::refuse;
  TrustedOwner owner = TrustedOwner::ours;
  ErrorKind kind = ErrorKind::preflight;  // of the refusal
};

/// Refuses a file that is no regular file or a symbolic link that is not allowed, that everybody
/// may write, that belongs to a stranger, or that lies in a directory of which one of the last two
/// is true.
///
/// Errors: Error{guard.kind} naming `path`, what is wrong and what to do.
void check_guarded(FileSystem& files, const std::string& path, const FileInfo& file,
                   const FileGuard& guard);

/// Returns the content of the file at `path`, nullopt where there is none. The file that is checked
/// is the one that is read, whatever happens to the path meanwhile.
///
/// Errors: as check_guarded; Error{preflight} where it cannot be read.
std::optional<std::string> read_guarded(FileSystem& files, const std::string& path,
                                        const FileGuard& guard);

/// Returns the path under which the file at `path` is written: its own, or the target's where it is
/// an allowed link. The file need not exist.
///
/// Errors: as check_guarded.
std::string guarded_target(FileSystem& files, const std::string& path, const FileGuard& guard);

}  // namespace dagloop
