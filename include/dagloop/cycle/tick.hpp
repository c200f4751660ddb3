// One tick of the cycle: recover, preflight, evaluate, gate, decide, apply or verify, report.
// Safe to run at any time, again, and from two hosts: the state's lock lets one through.
#pragma once

#include <optional>

#include "dagloop/base/error.hpp"
#include "dagloop/cycle/change_context.hpp"
#include "dagloop/cycle/tick_result.hpp"
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
  WordSource word = &unguessable_word;
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
