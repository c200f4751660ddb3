// The seam through which commands (the reload hook, later tools) are run. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace dagloop {

/// Where what a command writes to standard error goes: by itself, or among its output.
enum class ErrorOutput { apart, joined };

/// A command and what it may take.
struct ProcessCall {
  std::vector<std::string> argv;  // not empty; argv[0] is looked up in PATH
  std::string input = {};         // what stands on its standard input; it need not read it
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  std::size_t max_output_bytes = 4096;  // kept of each stream: its end
  ErrorOutput error_output = ErrorOutput::apart;
};

/// How a command ended.
struct ProcessResult {
  int exit_code = -1;  // -1 when it was killed or could not be started
  bool timed_out = false;
  std::string output;       // the end of its standard output
  bool is_cut = false;      // there was more before
  std::string errors = {};  // the end of its standard error; why it could not be started
  bool errors_cut = false;
};

/// Runs commands without a shell. Replaced in tests.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Runs the command in this process's working directory and waits for it, not for what it leaves
  /// running in the background. It gets a scrubbed environment (PATH, HOME, LANG only), no
  /// descriptor but its standard ones, and no signal blocked or ignored.
  ///
  /// Errors: none thrown for a command that fails or cannot be started: see ProcessResult. Where
  ///         standard error is joined, `output` says why it could not be started.
  /// Cost:   memory for its input and twice the bytes kept of each stream; the rest is dropped.
  virtual ProcessResult run(const ProcessCall& call) = 0;
};

/// Runs commands on this machine. One past its timeout is killed with its process group.
class PosixProcessRunner final : public ProcessRunner {
 public:
  ProcessResult run(const ProcessCall& call) override;
};

}  // namespace dagloop
