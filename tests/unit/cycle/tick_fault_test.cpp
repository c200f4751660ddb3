// Whole ticks are made to fail at their n-th operation; the next tick goes on from there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "../../support/loop_world.hpp"
#include "../../support/meddled_file_system.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

using Preparation = std::function<void(LoopWorld&)>;

void prepare_apply(LoopWorld& world) {
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  world.tick();
  world.approve();
}

void prepare_rollback(LoopWorld& world) {
  prepare_apply(world);
  world.tick();
  world.add_runs(kAsOf, hours(2), 4, 2, Cohort::canary);
  world.add_runs(kAsOf, hours(2), 4, 0, Cohort::control);
  world.clock.advance(hours(2));
}

std::ptrdiff_t count(LoopWorld& world, const std::string& word) {
  const auto all = world.events();
  return std::count(all.begin(), all.end(), word);
}

std::ptrdiff_t count_notes(const TickResult& result, const std::string& part) {
  return std::count_if(result.notes.begin(), result.notes.end(), [&](const std::string& note) {
    return note.find(part) != std::string::npos;
  });
}

std::string reason_texts_of(const TickResult& result) {
  return to_compact_json(*result.decision.find("reasons"));
}

CycleState without_evidence(CycleState state) {
  state.version = 0;
  state.evidence = {};  // a later tick has looked once more
  return state;
}

/// Lets the tick after `prepare` fail at operation 1, 2, 3 ..., and compares the tick after it with
/// an undisturbed one.
void check_every_tick_fault(const Preparation& prepare, const std::string& completion,
                            EvidenceMode mode) {
  LoopWorld undisturbed;
  undisturbed.config.decision.evidence.mode = mode;
  prepare(undisturbed);
  const std::string old_env = undisturbed.env();
  undisturbed.tick();
  const std::string new_env = undisturbed.env();
  REQUIRE(old_env != new_env);
  for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
    std::size_t n = 1;
    for (bool completed = false; !completed; ++n) {
      REQUIRE(n < 200);
      LoopWorld world;
      world.config.decision.evidence.mode = mode;
      prepare(world);
      world.faults.arm(n, place);
      try {
        completed = world.tick().faults.empty();
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::preflight);
      }
      world.faults.disarm();
      CAPTURE(n, world.events());
      CHECK((world.env() == old_env || world.env() == new_env));
      CHECK(world.journal_is_intact());
      if (!completed) world.tick();
      CHECK(world.env() == new_env);
      CHECK(world.journal_is_intact());
      CHECK(without_evidence(world.state()) == without_evidence(undisturbed.state()));
      CHECK(count(world, completion) == count(undisturbed, completion));
    }
    CHECK(n > 10);
  }
}

}  // namespace

TEST_CASE("an applying tick that fails anywhere is made good by the next one") {
  for (const EvidenceMode mode : {EvidenceMode::point, EvidenceMode::sequential}) {
    check_every_tick_fault(prepare_apply, "applied", mode);
  }
}

TEST_CASE("a tick that rolls back and fails anywhere is made good by the next one") {
  for (const EvidenceMode mode : {EvidenceMode::point, EvidenceMode::sequential}) {
    check_every_tick_fault(prepare_rollback, "rolled_back", mode);
  }
}

TEST_CASE("a proposing tick that fails anywhere proposes one change") {
  for (std::size_t n = 1; n < 4; ++n) {
    for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
      LoopWorld world;
      world.add_runs(kAsOf - hours(48), hours(48), 2);
      world.faults.arm(n, place);
      try {
        const TickResult result = world.tick();
        CHECK(n == 3);  // only the reports failed
        CHECK(result.code == ExitCode::source_failed);
        CHECK(result.faults.size() == 1);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::preflight);
      }
      world.faults.disarm();
      world.tick();
      CHECK(count(world, "adopted") == 1);
      CHECK(count(world, "proposed") == 1);
      CHECK(world.env() == kEnvText);
    }
  }
}

namespace {

/// Passes everything on, but on a disk that has no room for reports; with `burn()` for nothing
/// else.
class FullDisk final : public FileSystem {
 public:
  explicit FullDisk(FileSystem& inner) : inner_(inner) {}
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override {
    auto info = inner_.stat(path);
    if (info) info->free_bytes = 4096;
    return info;
  }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    if (path.starts_with("/reports") || path.starts_with(refused_)) {
      throw Error(ErrorKind::preflight, path, "cannot be written: No space left on device",
                  "free disk space");
    }
    inner_.write_synced(path, content, attributes);
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    return inner_.rename_synced(from, to, mode);
  }
  void remove(const std::string& path) override { inner_.remove(path); }

  /// Lets writes of paths that start so fail, too.
  void refuse(const std::string& start) { refused_ = start; }

 private:
  FileSystem& inner_;
  std::string refused_ = "/reports";
};

TickResult tick_on(FileSystem& files, LoopWorld& world, TickMode mode = TickMode::apply) {
  return run_tick({files, world.processes, world.store, world.source, world.clock, world.config},
                  mode, std::nullopt);
}

}  // namespace

TEST_CASE("a disk without room for reports holds up every change but the way back") {
  LoopWorld world;
  FullDisk disk(world.memory);
  prepare_apply(world);
  CHECK_THROWS_WITH(tick_on(disk, world), Catch::Contains("free disk space"));
  CHECK(world.env() == kEnvText);
  CHECK(world.state().phase == Phase::proposed);

  LoopWorld burning;
  FullDisk full(burning.memory);
  prepare_rollback(burning);
  CHECK_THROWS_WITH(tick_on(full, burning, TickMode::dry_run), Catch::Contains("free disk space"));
  const TickResult result = tick_on(full, burning);
  CHECK(burning.env() == kEnvText);
  CHECK(result.phase == Phase::rolled_back);
  CHECK(result.code == ExitCode::rolled_back);
  CHECK_THAT(result.faults.at(0), Catch::Contains("/reports"));
  CHECK_THAT(result.notes.at(result.notes.size() - 2), Catch::Contains("held up"));
  CHECK_THAT(result.notes.back(), Catch::Contains("reports are not written"));
}

TEST_CASE("a change under verification is not settled by a tick that preflight holds up") {
  LoopWorld world;
  FullDisk disk(world.memory);
  prepare_apply(world);
  world.tick();
  world.add_runs(kAsOf, hours(8), 4, 0, Cohort::canary);
  world.add_runs(kAsOf, hours(8), 4, 0, Cohort::control);
  world.clock.advance(hours(8));
  CHECK_THROWS_AS(tick_on(disk, world), Error);
  CHECK(world.state().phase == Phase::verifying);
  CHECK(world.tick().phase == Phase::settled);
}

TEST_CASE("without approvers or rules nothing is proposed, and a dry run says so") {
  for (const bool is_missing : {true, false}) {
    LoopWorld world;
    world.add_runs(kAsOf - hours(48), hours(48), 2);
    if (is_missing) {
      world.memory.remove(world.config.policy.approvers);
      const TickResult shown = world.tick(TickMode::dry_run);
      CHECK(shown.code == ExitCode::done);
      CHECK_THAT(shown.notes.front(), Catch::Contains("the approvers file does not exist; put {"));
      world.memory.remove("/reports/dag_policy_decision_latest.json");
    } else {
      world.write(world.config.policy.rules, "{");
    }
    const TickResult result = world.tick();
    CHECK(result.code == ExitCode::usage);
    CHECK(result.phase == Phase::idle);
    CHECK_THAT(result.faults.at(0), Catch::StartsWith("config: /etc/"));
    CHECK(count_notes(result, "no change can be proposed or applied: config: /etc/") == 1);
    CHECK(world.state().pending_decision.is_null());
    CHECK(world.events() == Words{"adopted"});
    CHECK(world.memory.read("/reports/dag_policy_decision_latest.json"));
  }
}

TEST_CASE(
    "an approvers file that cannot be used or names nobody is told by a dry run, and obeyed") {
  using Told = std::pair<const char*, const char*>;  // a file, and what is said of it
  for (const auto& [text, words] :
       {Told{"{", "/etc/approvers.json:1: no valid JSON; mend"},
        Told{R"({"approver": 1})", R"(approvers: is missing ({"approvers": [ENTRY]}, )"},
        Told{R"({"approvers": []})", R"(names nobody; put {"approvers": [ENTRY]} there)"}}) {
    LoopWorld world;
    world.add_runs(kAsOf - hours(48), hours(48), 2);
    world.write(world.config.policy.approvers, text);
    const TickResult shown = world.tick(TickMode::dry_run);
    CHECK(shown.code == ExitCode::done);
    CHECK_THAT(
        shown.notes.front(),
        Catch::StartsWith("no change can be approved yet: config: /etc") && Catch::Contains(words));
    const TickResult result = world.tick();
    CHECK(result.code == ExitCode::usage);
    CHECK(world.state().pending_decision.is_null());
  }
}

TEST_CASE("a tick without approvers keeps its evidence and publishes its figures") {
  LoopWorld world;
  world.config.decision.evidence.mode = EvidenceMode::sequential;
  world.add_runs(kAsOf - hours(48), hours(48), 2);
  world.memory.remove(world.config.policy.approvers);
  world.tick();
  CHECK_FALSE(world.state().evidence.subject.empty());
  CHECK(world.memory.read("/reports/dag_quality_latest.json"));
}

TEST_CASE("without rules a proposal that was approved waits, and is not withdrawn") {
  LoopWorld world;
  prepare_apply(world);
  const std::string rules = *world.memory.read(world.config.policy.rules);
  const Json pending = world.state().pending_decision;
  world.memory.remove(world.config.policy.rules);
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::usage);
  CHECK(result.decision == pending);
  CHECK(world.state().pending_decision == pending);
  CHECK(world.env() == kEnvText);
  world.clock.advance(hours(48));  // nor does it expire meanwhile
  world.tick();
  CHECK(world.state().pending_decision == pending);
  world.write(world.config.policy.rules, rules);
  CHECK(world.tick().phase == Phase::expired);
}

TEST_CASE("without approvers a trigger whose way back needs an approval is told") {
  LoopWorld world;
  world.write(kEnvPath, "DAG_ROLLOUT_PERCENT=30\n", 0640);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 0, Cohort::control);
  world.add_runs(kAsOf - hours(24), hours(24), 8, 4, Cohort::canary);
  world.memory.remove(world.config.policy.approvers);
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::negative);
  CHECK_THAT(reason_texts_of(result), Catch::Contains("success_drop_fired"));
  CHECK(result.faults.size() == 1);
  CHECK(count_notes(result, "no change can be proposed or applied") == 1);
  CHECK(world.state().pending_decision.is_null());
  CHECK(world.state().rollback_due_since);
  CHECK_THAT(*world.memory.read("/reports/dag_policy_decision_latest.json"),
             Catch::Contains("success_drop_fired"));
}

TEST_CASE("without approvers and rules a change under verification settles, or goes back") {
  LoopWorld burning;
  prepare_rollback(burning);
  burning.memory.remove(burning.config.policy.approvers);
  burning.memory.remove(burning.config.policy.rules);
  const TickResult result = burning.tick();
  CHECK(result.phase == Phase::rolled_back);
  CHECK(result.code == ExitCode::rolled_back);
  CHECK_THAT(result.faults.at(0), Catch::Contains("2 files do not exist"));
  CHECK(burning.env() == kEnvText);

  LoopWorld world;
  prepare_apply(world);
  world.tick();
  world.memory.remove(world.config.policy.approvers);
  world.add_runs(kAsOf, hours(8), 4, 0, Cohort::canary);
  world.add_runs(kAsOf, hours(8), 4, 0, Cohort::control);
  world.clock.advance(hours(8));
  const TickResult settled = world.tick();
  CHECK(settled.phase == Phase::settled);
  CHECK(settled.code == ExitCode::usage);
  CHECK_THAT(settled.faults.at(0), Catch::Contains("the approvers file does not exist"));
}

TEST_CASE("approvers or rules that cannot be examined call for somebody, and hold up no way back") {
  for (const auto sealed : {&PolicyConfig::approvers, &PolicyConfig::rules}) {
    LoopWorld quiet;
    quiet.add_runs(kAsOf - hours(48), hours(48), 2);
    SealedFileSystem unseen(quiet.memory, quiet.config.policy.*sealed);
    CHECK(tick_on(unseen, quiet).code == ExitCode::source_failed);
    CHECK(quiet.events() == Words{"adopted"});
    LoopWorld world;
    prepare_rollback(world);
    SealedFileSystem files(world.memory, world.config.policy.*sealed);
    const TickResult result = tick_on(files, world);
    CHECK(result.code == ExitCode::rolled_back);
    CHECK(result.phase == Phase::rolled_back);
    CHECK(world.env() == kEnvText);
    CHECK_THAT(result.faults.at(0), Catch::Contains("cannot be examined"));
    // What is always needed and missing is named all the same.
    world.memory.remove(world.config.policy.allowlist);
    CHECK_THROWS_WITH(tick_on(files, world), Catch::Contains("the allowlist file does not exist"));
  }
}

TEST_CASE("a rollback that cannot be written stands, and every tick tries again") {
  LoopWorld world;
  FullDisk disk(world.memory);
  prepare_rollback(world);
  const std::string burning = world.env();
  disk.refuse(kEnvPath);
  CHECK_THROWS_WITH(tick_on(disk, world), Catch::StartsWith("preflight: ") &&
                                              Catch::Contains("not rolled back") &&
                                              Catch::Contains("carries the rollback out"));
  CHECK(world.env() == burning);
  CHECK(world.state().phase == Phase::applying);
  CHECK_THROWS_AS(tick_on(disk, world), Error);
  world.tick();
  CHECK(world.env() == kEnvText);
  CHECK(count(world, "rollback_started") == 1);
  CHECK(count(world, "rolled_back") == 1);
}

TEST_CASE("a page that cannot be written does not hide why it was to be") {
  LoopWorld world;
  FullDisk disk(world.memory);
  world.config.reports.formats = {ReportFormat::md};
  world.source.set_failure("the log is gone");
  CHECK_THROWS_WITH(tick_on(disk, world), Catch::StartsWith("source: ") &&
                                              Catch::Contains("the log is gone") &&
                                              Catch::Contains("No space left"));
}
