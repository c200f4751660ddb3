// A whole story of the loop in a real SQLite store, written by ticks and manual changes: a
// proposal, a refused and a good approval, apply, verification, a failed reload hook, rollbacks,
// somebody's edit of the env file.
#pragma once

#include <string>

#include "dagloop/state/sqlite_store.hpp"
#include "loop_world.hpp"

namespace dagloop::test {

/// A loop in memory whose state is in the SQLite file at `path`.
class JournalStory {
 public:
  explicit JournalStory(const std::string& path) : store_(path, StateAccess::read_write) {
    world_.config.policy.reload = {"svc", "reload"};
  }

  /// Lives through it.
  void tell() {
    world_.add_runs(kAsOf - std::chrono::hours(48), std::chrono::hours(48), 2);
    tick();  // adopted, proposed
    tick_with_approval_of("mallory");
    tick_with_approval_of("alice");  // approved, apply_started, applied
    live(std::chrono::hours(6));
    tick();  // verified
    tick();  // proposed
    world_.processes.answer({5, false, "no such \"unit\"\n\ttab \x01 \xC3\xA9"});
    tick_with_approval_of("alice");  // ... hook_failed, rollback_started, rolled_back
    edit();
    roll_back();  // adopted, rollback_started, rolled_back
  }

  LoopWorld& world() { return world_; }
  SqliteStore& store() { return store_; }

 private:
  void tick() {
    run_tick({world_.files, world_.processes, store_, world_.source, world_.clock, world_.config},
             TickMode::apply, {});
  }
  void tick_with_approval_of(const std::string& name) {
    Approval approval = world_.approval_of(store_.load().pending_decision);
    approval.approver = name;
    world_.write("/approvals/dag_policy_approval_latest.json",
                 to_pretty_json(approval_to_json(approval)));
    tick();
  }
  void live(Microseconds length) {
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      world_.add_runs(world_.clock.now(), length, 4, 0, cohort);
    }
    world_.clock.advance(length);
  }
  void edit() {
    world_.write(kEnvPath, EnvFile::parse(world_.env(), kEnvPath)
                               .patched({{"DAG_NODE_TIMEOUT_MS", {"30000", "20000"}}}));
  }
  void roll_back() {
    roll_back_policy(
        {world_.files, world_.processes, store_, world_.clock, world_.config, "an operator"},
        TickMode::apply);
  }

  LoopWorld world_;
  SqliteStore store_;
};

}  // namespace dagloop::test
