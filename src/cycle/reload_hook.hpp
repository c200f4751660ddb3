// The command that makes the service load its env file anew. Private to the cycle layer.
#pragma once

#include <string>

#include "dagloop/base/process_runner.hpp"
#include "dagloop/config/config.hpp"

namespace dagloop {

/// Runs the configured hook; returns what went wrong, without secrets: empty when nothing did, or
/// where none is configured.
std::string run_reload_hook(ProcessRunner& processes, const PolicyConfig& policy);

}  // namespace dagloop
