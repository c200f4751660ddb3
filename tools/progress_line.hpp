// A line on the terminal that says how far a long reading is. Calls may come from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns what to call with the progress: it shows nothing in the first second, nor where standard
/// error is no terminal, and takes its line away when it is destroyed.
std::function<void(const ReadProgress&)> progress_line();

}  // namespace dagloop
