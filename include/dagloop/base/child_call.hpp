// Work in a child process: what hangs in it, or takes all memory, does not take the caller along.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace dagloop {

/// How long work may take; zero: for ever.
struct ChildLimits {
  std::chrono::milliseconds whole{0};
  /// Without a sign of life: neither computing nor sending its result, as who waits for a server
  /// that never answers, or for a disk.
  std::chrono::milliseconds silence{0};
};

/// How the work ended.
struct ChildOutcome {
  enum class End {
    done,
    too_long,
    silent,
    died,
  } end = End::died;
  std::string bytes;  // done: what the work returned
  int signal = 0;     // died: what killed it; 0 when it ended by itself
};

/// Runs `work` in a child process and returns what it returned. The child has no descriptor of the
/// caller's but its standard ones, and dies with the caller. Past a limit it is killed; one that
/// cannot be killed (it waits for a disk) is left to itself.
///
/// Shape:  the calling process has one thread. What `work` changes in memory is lost; destructors
///         of the caller's objects do not run in the child. It must not throw.
/// Errors: Error{preflight} where no process can be started.
/// Cost:   about a millisecond, and twice the copying of the result.
ChildOutcome call_in_child(const std::function<std::string()>& work, const ChildLimits& limits);

}  // namespace dagloop
