// Keeps what a process holds in memory (private keys, passwords of databases, env files) from being
// left on disk or in freed memory. Once, at the start of a process.
#pragma once

#include <string>

namespace dagloop {

/// Lets no core of this process be written, whatever the limits and the system's handler, and no
/// other process of the same user look into its memory. Commands that it runs are not affected.
void forbid_core_dumps();

/// Overwrites `secret` and empties it; no compiler leaves that out.
void wipe(std::string& secret);

}  // namespace dagloop
