#include "dagloop/cycle/overdue_limit.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "dagloop/base/error.hpp"
#include "dagloop/cycle/policy_files.hpp"

namespace dagloop {
namespace {

// Nothing where it is not a plain number: a value is never guessed.
Microseconds timeout_of(std::string_view text) {
  std::int64_t ms = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, ms);
  const bool is_plain = read.ec == std::errc() && read.ptr == end && ms >= 0;
  if (!is_plain || ms > std::numeric_limits<std::int64_t>::max() / 1000) return Microseconds{0};
  return std::chrono::milliseconds(ms);
}

}  // namespace

Config under_policy(Config config, const EnvFile& env) {
  for (const EnvAssignment& each : env.assignments()) {
    if (each.key != config.policy.pipeline_timeout_key || each.is_ambiguous) continue;
    const std::string_view value =
        std::string_view(env.text()).substr(each.begin, each.end - each.begin);
    // At most what is read back for runs that have not ended: a slip of digits hides no hung run.
    const Microseconds timeout = std::min(timeout_of(value), config.input.run_horizon);
    config.input.overdue_after = std::max(config.input.overdue_after, timeout);
  }
  return config;
}

Config under_configured_policy(FileSystem& files, Config config,
                               const std::function<void(const std::string&)>& warn) {
  const PolicyConfig& policy = config.policy;
  if (policy.env_file.empty() || !files.stat(policy.env_file)) return config;
  try {
    const EnvFile env = read_env_file(files, policy.env_file, policy.symlinks);
    const auto fault = loader_fault(env, policy.loader, {policy.pipeline_timeout_key});
    if (fault) throw Error(fault->error);
    return under_policy(std::move(config), env);
  } catch (const Error& error) {
    warn("runs are overdue by input.overdue_after alone: " + std::string(error.what()));
    return config;
  }
}

}  // namespace dagloop
