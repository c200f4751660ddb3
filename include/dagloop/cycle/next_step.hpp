// What an operator does next: a whole command, with the paths in use. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/cycle/change_context.hpp"
#include "dagloop/decide/decision.hpp"

namespace dagloop {

/// A step to take, or to wait for.
struct NextStep {
  std::string what;     // "nothing to do, from 2026-02-24T06:00:00Z on look again"
  std::string command;  // as it is typed into a shell
};

/// Returns the two lines that come last on a terminal: what, and the command alone.
std::string next_lines(const NextStep& next);

/// Returns the same in one line, for a page.
std::string next_sentence(const NextStep& next);

/// Returns a command: `tool`, those of the flags that led to `config` that it takes, `arguments`.
///
/// Shape: quoted for a shell where that is needed; what is secret in a URI is masked.
std::string command_of(const Config& config, std::string_view tool,
                       const std::vector<std::string>& arguments);

/// Returns the decision document in the reports' directory.
std::string decision_path(const Config& config);

/// Returns the step after a proposal: to approve it, until then. `decision` is its document's path.
NextStep approve_step(const Config& config, const std::string& decision, TimePoint until);

/// What a tick has come to.
struct TickEnd {
  const Config& config;
  const Decision& decision;  // the tick's own
  TickMode mode = TickMode::dry_run;
  ExitCode code = ExitCode::done;
  TimePoint now;
  std::optional<TimePoint> cooldown_until = {};
  std::vector<Reason> waits_for = {};           // of a verification
  std::optional<TimePoint> approve_until = {};  // of a proposal that waits
  bool is_interrupted = false;                  // a change, which a dry run does not finish
  bool is_approved = false;                     // a proposal, which a dry run does not apply
  bool is_made = false;                         // the decision's change
  bool is_taken_back = false;                   // it was, and the reload hook failed
  enum class Readiness { ready, unready, no_approvers } readiness = Readiness::ready;
};

/// Returns what is to be done after a tick.
NextStep next_after(const TickEnd& end);

}  // namespace dagloop
