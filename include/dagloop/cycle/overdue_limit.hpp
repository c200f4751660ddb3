// When a run is overdue: what the configuration says, or the policy's own timeout of a run, where
// that is longer. Composes config and policy.
#pragma once

#include <functional>
#include <string>

#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/policy/env_file.hpp"

namespace dagloop {

/// Returns the configuration by which runs under this env file are judged: `input.overdue_after` is
/// the longest plain number of `policy.pipeline_timeout_key` where that is longer.
///
/// Units: milliseconds in the env file.
Config under_policy(Config config, const EnvFile& env);

/// The same with the configured env file, for tools that do not change it.
///
/// Shape: without one, as it is; one that cannot be read is told to `warn`.
Config under_configured_policy(FileSystem& files, Config config,
                               const std::function<void(const std::string&)>& warn);

}  // namespace dagloop
