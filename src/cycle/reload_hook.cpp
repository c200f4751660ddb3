#include "cycle/reload_hook.hpp"

#include <chrono>
#include <string_view>

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// Output without the line that its beginning was cut from: half a secret looks like none.
std::string_view whole_lines(const ProcessResult& result) {
  const std::string_view output = result.output;
  if (!result.is_cut) return output;
  const std::size_t end = output.find('\n');
  return end == std::string_view::npos ? "(one long line)" : output.substr(end + 1);
}

}  // namespace

std::string run_reload_hook(ProcessRunner& processes, const PolicyConfig& policy) {
  if (policy.reload.empty()) return "";
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(policy.reload_timeout);
  const ProcessResult result = processes.run(
      {.argv = policy.reload, .timeout = timeout, .error_output = ErrorOutput::joined});
  // Whatever it printed: many programs warn and do their work.
  if (result.exit_code == 0) return "";
  const std::string how =
      result.timed_out ? "timed out" : "ended with " + std::to_string(result.exit_code);
  return "reload hook " + redact_text(policy.reload.front()) + " " + how + ": " +
         redact_text(whole_lines(result));
}

}  // namespace dagloop
