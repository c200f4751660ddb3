// Private to base's *_posix.cpp: whose files are trusted.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

namespace dagloop {

/// Returns whether files of a user are as good as our own: root's and those of the user who runs
/// this, and of whoever owns the root directory. In a user namespace root of the machine is not
/// uid 0, and whoever owns "/" has put every program and library there.
inline bool is_trusted_uid(uid_t uid) {
  if (uid == 0 || uid == ::geteuid()) return true;
  struct stat root {};
  return ::stat("/", &root) == 0 && uid == root.st_uid;
}

}  // namespace dagloop
