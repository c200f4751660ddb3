// The sources that the configuration names, with its mapping, rollup store and deadlines.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Told how far the reading is.
using ProgressTeller = std::function<void(const ReadProgress&)>;

/// Opens the configured sources in this process; `warn` is told what is wrong with the rollup store
/// and what of a directory is left out.
///
/// Errors: Error{usage} without any source; Error{config} for a bad mapping; Error{source}.
std::unique_ptr<LogSource> open_configured_source(
    FileSystem& files, const Config& config, ProgressTeller progress = nullptr,
    std::function<void(const std::string&)> warn = nullptr);

/// Returns the same sources, which are opened and read in a child process at each reading: within
/// input.read_timeout, and never silent for longer than input.statement_timeout and a grace of 5 s.
/// Standard input has all the time that it takes.
///
/// Shape:  `progress` makes, in the child, who is told; what it shows is over with the reading.
///         `files` and `config` are kept by reference.
/// Errors: none; reading throws what open_configured_source() does.
std::unique_ptr<LogSource> configured_source(
    FileSystem& files, const Config& config, std::function<ProgressTeller()> progress = nullptr,
    std::function<void(const std::string&)> warn = nullptr);

}  // namespace dagloop
