// The seam through which commands (the reload hook) are run.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace dagloop {

/// How a command ended.
struct ProcessResult {
  int exit_code = -1;  // -1 when it was killed or could not be started
  bool timed_out = false;
  std::string output;   // standard output and error, the last 4 KiB
  bool is_cut = false;  // there was more before
};

/// Runs commands without a shell. Replaced in tests.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Runs `argv` in this process's working directory and waits, with a scrubbed environment (PATH,
  /// HOME, LANG only), no descriptor but standard input (empty), output and error, and no signal
  /// blocked or ignored.
  ///
  /// Shape:  argv is not empty; argv[0] is looked up in PATH.
  /// Errors: none thrown for a command that fails or cannot be started: see ProcessResult.
  virtual ProcessResult run(const std::vector<std::string>& argv,
                            std::chrono::milliseconds timeout) = 0;
};

/// Runs commands on this machine; a command past its timeout is killed with its process group.
class PosixProcessRunner final : public ProcessRunner {
 public:
  ProcessResult run(const std::vector<std::string>& argv,
                    std::chrono::milliseconds timeout) override;
};

}  // namespace dagloop
