// This engine's own loop, in process: the tick that the cycle's executable runs.
#pragma once

#include "loop.hpp"

namespace dagloop::bench {

/// Makes a loop of run_tick(), with everything around it in memory.
std::unique_ptr<Loop> make_engine_loop(const Story& story, TimePoint start);

}  // namespace dagloop::bench
