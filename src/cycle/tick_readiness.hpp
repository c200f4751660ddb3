// Whether a tick may do all that it is there for: the files that operators keep, the clock, disk
// and directories. What is missing holds up some of its work, never a way back. Private to the
// cycle layer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/cycle/change_context.hpp"
#include "dagloop/decide/recommendation.hpp"

namespace dagloop {

/// What keeps a tick from some of its work.
class TickReadiness {
 public:
  TickReadiness(const ChangeContext& context, TickMode mode) : context_(context), mode_(mode) {}

  /// Refuses where files are missing that every tick takes, and names all of them. A change under
  /// way, and the way back, take no rules and no approvers; a dry run may come before there is any
  /// key, which it adds to `notes`.
  void check_files(std::vector<std::string>& notes);

  /// Reads the rules, and finds whether anybody can approve.
  void read_rules_and_approvers();

  /// Checks disk, directories and clock; `now` is the tick's present where it is the clock's.
  void check_machine(const Clock& machine, std::optional<TimePoint> now);

  const std::vector<PolicyRule>& rules() const { return rules_; }
  /// Returns what preflight found; holds up everything but a way back.
  const std::optional<Error>& unfit() const { return unfit_; }
  /// Returns why nothing can be proposed or applied; all else goes on.
  const std::optional<Error>& unready() const { return unready_; }
  /// Returns whether a dry run found no approvers file.
  bool lacks_approvers() const { return lacks_approvers_; }
  /// Returns why the env file could not be replaced with --apply; of a dry run alone.
  const std::optional<Error>& unwritable() const { return unwritable_; }

 private:
  bool applies() const { return mode_ == TickMode::apply; }

  const ChangeContext& context_;
  TickMode mode_;
  std::vector<PolicyRule> rules_;
  std::optional<Error> unfit_;
  std::optional<Error> unready_;
  bool lacks_approvers_ = false;
  std::optional<Error> unwritable_;
};

}  // namespace dagloop
