// What every change of the policy touches, by whichever tool. Seams alone: no logic.
#pragma once

#include <functional>
#include <string>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/base/process_runner.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// Whether the env file and the state may be written.
enum class TickMode { dry_run, apply };

/// Gives words for names of temporary files; replaced in tests.
using WordSource = std::function<std::string()>;

/// Everything that a change touches, and who asks for it. Owns: nothing but the name.
struct ChangeContext {
  FileSystem& files;
  ProcessRunner& processes;
  StateStore& store;
  const Clock& clock;
  const Config& config;
  std::string actor;  // for the journal
  WordSource word = &unguessable_word;
};

/// Returns `given` by another clock.
inline ChangeContext by_clock(const ChangeContext& given, const Clock& clock) {
  return {given.files, given.processes, given.store, clock, given.config, given.actor, given.word};
}

}  // namespace dagloop
