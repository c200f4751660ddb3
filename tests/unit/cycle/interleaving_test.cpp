// Two ticks and a rollback by hand, interleaved at every step: at each call of one to the state, the
// env file and the log, the other one runs as a whole.
#include <catch2/catch.hpp>
#include <functional>
#include <utility>

#include "../../support/fault_every.hpp"
#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

/// Lets somebody act before the n-th call of the seams that share it.
class Interruption {
 public:
  Interruption(std::size_t n, std::function<void()> act) : left_(n), act_(std::move(act)) {}
  void call() {
    if (left_ > 0 && --left_ == 0) act_();
  }
  bool is_over() const { return left_ == 0; }

 private:
  std::size_t left_;
  std::function<void()> act_;
};

class InterruptedFiles final : public FileSystem {
 public:
  InterruptedFiles(FileSystem& inner, Interruption& other) : inner_(inner), other_(other) {}
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    other_.call();
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override { return inner_.stat(path); }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    other_.call();
    inner_.write_synced(path, content, attributes);
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    other_.call();
    return inner_.rename_synced(from, to, mode);
  }
  void remove(const std::string& path) override {
    other_.call();
    inner_.remove(path);
  }

 private:
  FileSystem& inner_;
  Interruption& other_;
};

class InterruptedStore final : public StateStore {
 public:
  InterruptedStore(StateStore& inner, Interruption& other) : inner_(inner), other_(other) {}
  std::unique_ptr<StateLock> try_lock() override {
    other_.call();
    return inner_.try_lock();
  }
  CycleState load() override {
    other_.call();
    return inner_.load();
  }
  void commit(CycleState& next, const std::vector<JournalEvent>& events) override {
    other_.call();
    inner_.commit(next, events);
  }
  StoredRecords records() override { return inner_.records(); }
  StoredRecords newest_records() override {
    other_.call();
    return inner_.newest_records();
  }

 private:
  StateStore& inner_;
  Interruption& other_;
};

enum class Does { tick, rollback };

/// A canary at 10 % whose two hours were good or bad; the next tick settles it, or takes it back.
struct Scene : LoopWorld {
  explicit Scene(std::uint64_t canary_failed) {
    add_runs(kAsOf - hours(48), hours(48), 2);
    tick();
    approve();
    tick();
    add_runs(kAsOf, hours(7), 4, canary_failed, Cohort::canary);
    add_runs(kAsOf, hours(7), 4, 0, Cohort::control);
    clock.advance(hours(7));
  }

  /// Runs one of them; a conflict, and a refusal, are outcomes.
  void act(Does does, FileSystem& seen_files, StateStore& seen_store) {
    try {
      if (does == Does::tick) {
        run_tick({seen_files, processes, seen_store, source, clock, config}, TickMode::apply, {});
      } else {
        roll_back_policy({seen_files, processes, seen_store, clock, config, "operator"},
                         TickMode::apply);
      }
    } catch (const Error& error) {
      INFO(error.what());
      CHECK((error.kind() == ErrorKind::conflict || error.kind() == ErrorKind::approval));
    }
  }

  void check_whole() {
    CHECK(journal_is_intact());
    const CycleState now = state();
    CHECK_FALSE(now.intent);
    CHECK(now.in_force.at("DAG_ROLLOUT_PERCENT") == value("DAG_ROLLOUT_PERCENT"));
    std::ptrdiff_t open = 0;
    for (const std::string& word : events()) {
      if (word == "apply_started" || word == "rollback_started") ++open;
      if (word == "applied" || word == "rolled_back") --open;
      CHECK((open == 0 || open == 1));
    }
    CHECK(open == 0);
  }
};

}  // namespace

TEST_CASE("a tick or a rollback at any step of another leaves one story, and no way back is lost") {
  for (const std::uint64_t failed : {0U, 3U}) {
    for (const auto& [outer, inner] :
         {std::pair(Does::tick, Does::tick), std::pair(Does::tick, Does::rollback),
          std::pair(Does::rollback, Does::tick)}) {
      const bool has_rollback = outer == Does::rollback || inner == Does::rollback;
      bool is_reached = true;
      std::size_t steps = 0;
      for (std::size_t n = 1; is_reached; n += fault_every(), ++steps) {
        CAPTURE(failed, outer == Does::tick, inner == Does::tick, n);
        Scene scene(failed);
        const Does other = inner;
        Interruption interruption(
            n, [&scene, other] { scene.act(other, scene.memory, scene.stored); });
        InterruptedFiles files(scene.memory, interruption);
        InterruptedStore store(scene.stored, interruption);
        scene.act(outer, files, store);
        is_reached = interruption.is_over();
        scene.check_whole();
        // Whoever was refused comes again, as cron and operators do.
        if (has_rollback && scene.value("DAG_ROLLOUT_PERCENT") == "10") {
          scene.act(Does::rollback, scene.memory, scene.stored);
        }
        scene.act(Does::tick, scene.memory, scene.stored);
        scene.check_whole();
        CHECK(scene.value("DAG_ROLLOUT_PERCENT") == (has_rollback || failed > 0 ? "0" : "10"));
      }
      CHECK(steps > 10 / fault_every());
    }
  }
}
