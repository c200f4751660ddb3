// Ticks, an operator's apply and an operator's rollback at once, as threads with a connection each:
// one SQLite file, one env file, the machine's file system. Run under ThreadSanitizer, too.
#include <array>
#include <barrier>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include "../../support/loop_world.hpp"
#include "../../support/temp_directory.hpp"
#include "dagloop/state/sqlite_store.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
namespace fs = std::filesystem;

namespace {

constexpr int kRounds = 200;

/// A service on disk: a first step, proposed and approved, or applied already and failing.
class DiskWorld {
 public:
  explicit DiskWorld(const std::string& folder) : folder_(folder) {
    PosixFileSystem files;
    Config& config = world_.config;
    for (std::string* path : {&config.policy.env_file, &config.policy.allowlist,
                              &config.policy.rules, &config.policy.approvers}) {
      const std::string moved = folder_ + "/now" + *path;
      files.write_synced(moved, *world_.memory.read(*path), FileAttributes{0640, {}, {}});
      *path = moved;
    }
    config.policy.approvals_dir = folder_ + "/now/approvals";
    config.reports.dir = folder_ + "/now/reports";
    world_.add_runs(kAsOf - hours(48), hours(48), 2);
  }

  /// Keeps what there is as the scene `name`, and puts it back.
  void keep(const std::string& name) { copy(folder_ + "/now", folder_ + "/" + name); }
  void put_back(const std::string& name) { copy(folder_ + "/" + name, folder_ + "/now"); }

  void tick() {
    SqliteStore store = open();
    run_tick({files_, processes_, store, world_.source, world_.clock, world_.config},
             TickMode::apply, {});
  }
  void propose_and_approve() {
    tick();
    SqliteStore store = open();
    decision_ = store.load().pending_decision;
    files_.write_synced(world_.config.policy.approvals_dir + "/dag_policy_approval_latest.json",
                        to_pretty_json(approval_to_json(world_.approval_of(decision_))), {});
  }
  /// Lets the canary fail for two hours.
  void fail() {
    world_.add_runs(kAsOf, hours(2), 4, 2, Cohort::canary);
    world_.add_runs(kAsOf, hours(2), 4, 0, Cohort::control);
    world_.clock.advance(hours(2));
  }

  SqliteStore open() const { return {folder_ + "/now/s.db", StateAccess::read_write}; }
  const LoopWorld& world() const { return world_; }
  const Json& decision() const { return decision_; }
  std::string percent() {
    const std::string& path = world_.config.policy.env_file;
    return *read_env_file(files_, path).value("DAG_ROLLOUT_PERCENT");
  }

 private:
  static void copy(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  std::string folder_;
  LoopWorld world_;
  PosixFileSystem files_;
  ScriptedProcesses processes_;
  Json decision_;
};

/// What one of the threads does; it shares nothing with the others but the disk.
struct Actor {
  enum class Does { tick, apply, rollback } does;
  std::string fault;  // an error of a kind that none of them may meet

  void act(const DiskWorld& disk) {
    const LoopWorld& world = disk.world();
    PosixFileSystem files;
    ScriptedProcesses processes;
    ScriptedSource source = world.source;
    try {
      SqliteStore store = disk.open();
      const ChangeContext manual{files, processes, store, world.clock, world.config, "operator"};
      if (does == Does::tick) {
        run_tick({files, processes, store, source, world.clock, world.config}, TickMode::apply, {});
      } else if (does == Does::apply) {
        apply_decision(manual, TickMode::apply, disk.decision(),
                       {world.approval_of(disk.decision())});
      } else {
        roll_back_policy(manual, TickMode::apply);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::conflict && error.kind() != ErrorKind::approval) {
        fault = error.what();
      }
    }
  }
};

void check_story(const StoredRecords& records, const std::string& percent) {
  REQUIRE_FALSE(records_fault(records));
  bool is_open = false;
  std::string in_force;
  std::map<std::string, int> applied;
  for (const JournalEntry& entry : read_entries(records.journal)) {
    const JournalEvent& event = entry.event;
    switch (event.type) {
      case EventType::apply_started:
      case EventType::rollback_started:
        REQUIRE_FALSE(is_open);
        is_open = true;
        break;
      case EventType::applied:
        REQUIRE(++applied[event.decision_digest] == 1);
        [[fallthrough]];
      case EventType::rolled_back:
        REQUIRE(is_open);
        is_open = false;
        [[fallthrough]];
      case EventType::adopted:
        in_force = event.after.find("DAG_ROLLOUT_PERCENT")->as_string();
        break;
      default:
        break;
    }
  }
  REQUIRE_FALSE(is_open);
  REQUIRE(in_force == percent);
}

}  // namespace

TEST_CASE("of threads that tick, apply and roll back at once, one changes the policy at a time") {
  const TempDirectory folder;
  DiskWorld disk(folder.path());
  disk.propose_and_approve();
  disk.keep("approved");
  disk.tick();
  disk.fail();
  disk.keep("failing");
  using Does = Actor::Does;
  std::map<std::string, int> seen;
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    disk.put_back(round % 2 == 0 ? "approved" : "failing");
    std::array<Actor, 4> actors{Actor{Does::tick, ""}, Actor{Does::tick, ""},
                                Actor{Does::apply, ""}, Actor{Does::rollback, ""}};
    std::barrier start(4);
    std::vector<std::thread> threads;
    for (Actor& actor : actors) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        actor.act(disk);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Actor& actor : actors) REQUIRE(actor.fault.empty());
    SqliteStore store = disk.open();
    const StoredRecords records = store.records();
    check_story(records, disk.percent());
    ++seen[std::string(to_string(read_entries(records.journal).back().event.type))];
  }
  CAPTURE(seen);
  CHECK(seen.size() > 1);
}
