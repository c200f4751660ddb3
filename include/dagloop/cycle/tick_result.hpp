// What a tick tells whoever ran it. A value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/cycle/next_step.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// What a tick did.
struct TickResult {
  ExitCode code = ExitCode::done;
  Phase phase = Phase::idle;  // after the tick (in a dry run: as stored)
  Json decision;              // the decision document that was published
  std::string headline;       // decision_headline() of what this tick finds
  std::string why;            // decision_lines() of it, and what only warns
  NextStep next;              // what an operator does now
  std::optional<RollbackTiming> last_rollback;
  std::string story;                // rollback_story()
  std::vector<std::string> wrong;   // what_is_left_out(), what_is_wrong()
  std::vector<std::string> notes;   // what happened, for the operator
  std::vector<std::string> faults;  // to be mended: reports not written, files that are missing
};

}  // namespace dagloop
