// Whether nobody else can put a file beside a guarded file, or another one in its place: neither in
// its directory nor in one on the way to it. Asked of everything but a way back, which takes a file
// as read_guarded() has it. Source: docs/operations.md, "Guarded files".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop {

/// Whether the group of a file may write the file itself.
enum class GroupWrite {
  allowed,      // who may write it needs nobody's leave (the env file)
  if_trusted,   // only where its group is the trusted one
  not_allowed,  // not even then: the file is what names the trusted group
};

/// What is asked of the place where a file lies.
struct ClosedPlace {
  std::string_view role;           // of the file, for messages, e.g. "state file"
  std::string trusted_group = {};  // name or number; its members are no strangers; empty: none
  GroupWrite group_write = GroupWrite::if_trusted;
  std::optional<std::uint32_t> owner = {};  // who may own directories besides root and ourselves
  ErrorKind kind = ErrorKind::preflight;    // of the refusal
};

/// Refuses a file, there or yet to be made, unless
/// - its directory is root's or ours, and nobody else may write to it, sticky bit or not;
/// - every directory above it likewise, or it is sticky and root's or ours (as /tmp);
/// - so are the directories that hold symbolic links on the way, and those that they lead to;
/// - others may not write the file itself, its group only as `group_write` says.
///
/// Shape:  the members of a group are others, but for `trusted_group` and for the private group of
///         a directory's owner (of the same name and number, without further members).
/// Errors: Error{place.kind} naming `path`, the directory and what to do.
void check_closed(FileSystem& files, const std::string& path, const ClosedPlace& place);

}  // namespace dagloop
