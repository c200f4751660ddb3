// One tick of the cycle: recover, preflight, evaluate, gate, decide, apply or verify, report.
// Safe to run at any time, again, and from two hosts: the state's lock lets one through.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/cycle/change_context.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Everything a tick touches. Owns: nothing.
struct TickContext {
  FileSystem& files;
  ProcessRunner& processes;
  StateStore& store;
  LogSource& source;
  const Clock& clock;
  const Config& config;
};

/// What a tick did.
struct TickResult {
  ExitCode code = ExitCode::done;
  Phase phase = Phase::idle;  // after the tick (in a dry run: as stored)
  Json decision;              // the decision document that was published
  std::optional<RollbackTiming> last_rollback;
  std::string story;                // rollback_story()
  std::vector<std::string> wrong;   // what_is_wrong()
  std::vector<std::string> notes;   // what happened, for the operator
  std::vector<std::string> faults;  // to be mended: reports not written, files that are missing
};

/// Runs one tick.
///
/// Shape:  `as_of` overrides the clock as the logic's present (approvals still expire by the
///         clock); a dry run writes reports, and neither env file nor state. Where preflight or the
///         reports fail, a rollback that needs no approval is carried out all the same. Without
///         usable rules and approvers nothing is proposed or applied, and all else goes on.
/// Errors: Error of any kind; whatever was thrown, env file and state are whole and the next tick
///         goes on from there.
/// Source: docs/operations.md, "States".
TickResult run_tick(const TickContext& given, TickMode mode, std::optional<TimePoint> as_of);

}  // namespace dagloop
