// A rehearsal of a rollback: the real steps on a copy of env file and state, timed.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/base/process_runner.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/policy/policy_key.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// Everything that a rehearsal touches. Owns: nothing.
struct DrillContext {
  FileSystem& files;
  const Clock& clock;
  const Config& config;    // its env file is copied to FILE.drill, which is removed again
  StateStore& state;       // the real one: only read
  StateStore& rehearsal;   // takes the copy of the state
  ProcessRunner& no_hook;  // never called: the reload hook is not rehearsed
};

/// Where the rehearsed rollback comes from.
enum class DrillScene {
  earlier_policy,  // the state knows an earlier policy: the rollback that a trigger would cause now
  pretended_step,  // it does not: a step is pretended on the copy, and taken back
};
std::string_view to_string(DrillScene scene);

/// Refuses where the env file itself could not be changed, although its copy could.
///
/// Order:  before the stores are opened: nothing is left of a rehearsal that is refused.
/// Errors: those of check_closed_places() and replacement_fault().
void check_rehearsable(FileSystem& files, const Config& config);

/// What a rehearsal found.
struct DrillResult {
  TimePoint at;
  DrillScene scene = DrillScene::earlier_policy;
  Patch patch;          // what the rollback wrote into the copy
  Microseconds took{};  // from the trigger until the earlier policy was in force in the copy
};

/// Rolls a copy back and checks every part of it: the env file to the byte, state, journal.
///
/// Shape:  env file and state themselves are not written.
/// Errors: Error{conflict} while a change is interrupted; Error{apply_failed} where the copy is not
///         what it should be; whatever a real rollback would throw.
DrillResult rehearse_rollback(const DrillContext& context);

/// Returns the document ("dagloop.rollback_drill/1").
Json drill_to_json(const DrillResult& result);

/// Says it to an operator, with what was not rehearsed.
std::string drill_text(const DrillResult& result, const Config& config);

/// Returns the URI of the store that a rehearsal may use: beside that of `state`, never it.
std::string drill_state_uri(const std::string& state);

/// Removes what a rehearsal in SQLite left; in PostgreSQL the rows stay under a name of their own.
void remove_drill_state(FileSystem& files, const std::string& state);

}  // namespace dagloop
