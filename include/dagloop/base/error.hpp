// The one exception of dagloop and the one map from its kinds to the exit codes of the executables.
// Throw it when a tool cannot go on; outcomes ("gate fails", "line rejected") are values instead.
// Thread-safe: values only.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace dagloop {

/// Exit codes of every executable (docs/cli.md, "Exit codes").
enum class ExitCode : int {
  done = 0,
  negative = 1,
  usage = 2,
  insufficient = 3,
  source_failed = 4,
  approval = 5,
  conflict = 6,
  rolled_back = 7,
  attention = 8,
  internal = 70,
};

/// What kept a tool from going on; each kind has exactly one exit code.
enum class ErrorKind {
  usage,         // wrong flags or arguments
  config,        // configuration, rules, allowlist, mapping or document is invalid
  insufficient,  // not enough or stale data
  source,        // a log source could not be read, or too much of it is malformed
  preflight,     // a precondition of the cycle does not hold
  approval,      // approval missing, invalid, expired or already used
  conflict,      // the world changed since the decision, or another change holds the lock
  apply_failed,  // a change failed and was rolled back
  attention,     // a person has to act: the loop cannot find out what it waits for
  internal,      // a bug
};

/// Returns the printed word of `kind` ("usage", "config", ...).
std::string_view to_string(ErrorKind kind);

/// Returns the exit code that a tool ends with after an error of `kind`.
ExitCode exit_code(ErrorKind kind);

/// The exception for "this tool cannot go on".
class Error : public std::runtime_error {
 public:
  /// Shape: `where` is a file, `file:line`, key path or flag; `what` the fault; `remedy` what to
  ///        do.
  ///        what() reads "<kind>: <where>: <what>; <remedy>"; `tool_main` puts the tool's name
  ///        first.
  Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view remedy);

  /// Returns an error that says `text`, the what() of an error of this kind in another process.
  static Error retold(ErrorKind kind, const std::string& text) { return {kind, text}; }

  /// Returns the kind, hence the exit code.
  ErrorKind kind() const { return kind_; }

 private:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}

  ErrorKind kind_;
};

}  // namespace dagloop
