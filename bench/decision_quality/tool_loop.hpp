// This engine's executables, with files as in production: a log, an env file, a state, a key.
#pragma once

#include "loop.hpp"

namespace dagloop::bench {

/// Makes a loop that runs dag_optimization_cycle and approve_dag_policy of the directory `tools`,
/// in a temporary directory of its own.
///
/// Errors: std::runtime_error where they cannot be run.
std::unique_ptr<Loop> make_tool_loop(const Story& story, const std::string& tools);

}  // namespace dagloop::bench
