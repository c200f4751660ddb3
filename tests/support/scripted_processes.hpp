// A process runner that answers from a script. For one thread.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "dagloop/base/process_runner.hpp"

namespace dagloop::test {

/// Notes what was run; every run succeeds unless the script says otherwise.
class ScriptedProcesses final : public ProcessRunner {
 public:
  /// Adds how the next run ends.
  void answer(ProcessResult result) { answers_.push_back(std::move(result)); }
  /// Sets what happens during each run, e.g. a service that reads its env file.
  void during_run(std::function<void()> action) { action_ = std::move(action); }
  /// Returns the commands that were run.
  const std::vector<std::vector<std::string>>& runs() const { return runs_; }

  ProcessResult run(const ProcessCall& call) override {
    runs_.push_back(call.argv);
    if (action_) action_();
    if (answers_.empty()) return {0, false, ""};
    ProcessResult result = answers_.front();
    answers_.pop_front();
    return result;
  }

 private:
  std::deque<ProcessResult> answers_;
  std::function<void()> action_;
  std::vector<std::vector<std::string>> runs_;
};

}  // namespace dagloop::test
