// Every change is made to fail at its n-th operation, before it and behind it, for n = 1, 2, 3 ...
// until a run completes; then the next invocation recovers.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "../../support/loop_world.hpp"
#include "../../support/meddled_file_system.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/cycle/applier.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

enum class Hook { none, works, fails };

/// One change: what it is, and which env files may be seen.
struct Story {
  ChangeKind kind = ChangeKind::apply;
  Hook hook = Hook::none;
  std::string before;  // values of the rollout key
  std::string after;
  std::string at_the_end;
};

std::string env_at(const std::string& percent) {
  if (percent == "0") return kEnvText;
  const Patch patch{{"DAG_ROLLOUT_PERCENT", {"0", percent}}};
  return EnvFile::parse(kEnvText, kEnvPath).patched(patch);
}

struct FaultWorld : LoopWorld {
  explicit FaultWorld(const Story& told) : story(told) {
    write(kEnvPath, env_at(story.before), 0640);
    allowlist = read_allowlist(memory, config.policy);
    if (story.hook != Hook::none) config.policy.reload = {"svc"};
    if (story.hook == Hook::fails) processes.during_run([this] { answer_hook(); });
    CycleState state;
    state.in_force = allowlist.values_in(EnvFile::parse(env(), kEnvPath));
    state.verified = {{{"DAG_NODE_TIMEOUT_MS", "30000"}, {"DAG_ROLLOUT_PERCENT", "0"}}};
    // Every state has an entry that vouches for it.
    stored.commit(state,
                  {{clock.now(), EventType::observed, "ops", "", Json(), Json(), "as found"}});
  }
  // The service loads every policy but the new one.
  void answer_hook() {
    processes.answer({value("DAG_ROLLOUT_PERCENT") == story.after ? 1 : 0, false, ""});
  }
  Applier applier() { return {context, allowlist}; }
  ChangeRequest request() {
    const Patch patch{{"DAG_ROLLOUT_PERCENT", {story.before, story.after}}};
    return {story.kind, patch, sha256_hex(env()), "d1", "because", clock.now(), clock.now()};
  }
  void change() {
    CycleState state = stored.load();
    applier().carry_out(state, request());
  }
  /// Makes the change while somebody else does `meddle` right before its n-th operation on files.
  /// Returns what kind of error it ended with, none where it was made.
  std::optional<ErrorKind> change_meddled(std::size_t n, std::function<void()> meddle) {
    MeddledFileSystem meddled(memory, n, std::move(meddle));
    CycleState state = stored.load();
    try {
      const ChangeContext context_meddled{meddled, processes, store, clock, config, "ops"};
      Applier(context_meddled, allowlist).carry_out(state, request());
    } catch (const Error& error) {
      return error.kind();
    }
    return std::nullopt;
  }
  void recover() {
    CycleState state = stored.load();
    applier().recover(state);
  }
  /// Recovers, and makes the change again where nothing of it was left.
  void next_invocation() {
    faults.disarm();
    recover();
    if (this->state().used_decisions.empty()) change();
  }
  std::size_t count(const std::string& word) {
    const auto all = events();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), word));
  }

  Story story;
  Allowlist allowlist;
  ChangeContext context{files, processes, store, clock, config, "ops"};
};

void check_whole(FaultWorld& world) {
  const bool whole =
      world.env() == env_at(world.story.before) || world.env() == env_at(world.story.after);
  CHECK(whole);
  CHECK(world.journal_is_intact());
  const CycleState state = world.state();
  CHECK((state.phase == Phase::applying) == state.intent.has_value());
  if (!state.intent) {
    // What the state says is what the service runs.
    CHECK(state.in_force.at("DAG_ROLLOUT_PERCENT") == world.value("DAG_ROLLOUT_PERCENT"));
  }
}

/// Returns the state without what an undisturbed change may have besides.
CycleState comparable(CycleState state) {
  state.version = 0;
  return state;
}

void check_every_fault(const Story& story, FaultPlace place) {
  FaultWorld undisturbed(story);
  undisturbed.change();
  REQUIRE(undisturbed.env() == env_at(story.at_the_end));
  std::size_t n = 1;
  for (bool completed = false; !completed; ++n) {
    REQUIRE(n < 100);
    FaultWorld world(story);
    world.faults.arm(n, place);
    try {
      world.change();
      completed = true;
    } catch (const Error&) {
      // The tool ends here; what counts is what it leaves behind.
    }
    CAPTURE(n, world.events());
    check_whole(world);
    if (completed) break;
    world.next_invocation();
    check_whole(world);
    CHECK(world.env() == env_at(story.at_the_end));
    CHECK(comparable(world.state()) == comparable(undisturbed.state()));
    CHECK(world.count("applied") + world.count("rolled_back") == 1);
  }
  CHECK(n > 4);
}

}  // namespace

TEST_CASE("an apply that fails anywhere is finished or made again, exactly once") {
  const Story story{ChangeKind::apply, Hook::none, "0", "10", "10"};
  check_every_fault(story, FaultPlace::before);
  check_every_fault(story, FaultPlace::behind);
}

TEST_CASE("an apply with a reload hook that fails anywhere else is finished, exactly once") {
  const Story story{ChangeKind::apply, Hook::works, "0", "10", "10"};
  check_every_fault(story, FaultPlace::before);
  check_every_fault(story, FaultPlace::behind);
}

TEST_CASE("a rollback that fails anywhere is carried out, exactly once") {
  const Story story{ChangeKind::rollback, Hook::none, "10", "0", "0"};
  check_every_fault(story, FaultPlace::before);
  check_every_fault(story, FaultPlace::behind);
}

TEST_CASE("an apply whose reload hook fails is taken back whatever fails meanwhile") {
  const Story story{ChangeKind::apply, Hook::fails, "0", "10", "0"};
  check_every_fault(story, FaultPlace::before);
  check_every_fault(story, FaultPlace::behind);
}

TEST_CASE("a single failed write is undone at once and says that the earlier policy is in force") {
  for (const std::size_t n : {std::size_t{2}, std::size_t{3}}) {
    FaultWorld world(Story{ChangeKind::apply, Hook::none, "0", "10", "10"});
    world.faults.arm(n, FaultPlace::before, FaultLength::once);
    CHECK_THROWS_WITH(world.change(), Catch::StartsWith("apply_failed: "));
    CHECK(world.env() == kEnvText);
    CHECK(world.state().phase == Phase::idle);
    CHECK(world.state().used_decisions.empty());
    CHECK(world.events() == std::vector<std::string>{"apply_started", "undone"});
  }
}

TEST_CASE("a rename that took effect but was not kept on disk leaves the change to recovery") {
  FaultWorld world(Story{ChangeKind::apply, Hook::none, "0", "10", "10"});
  world.faults.arm(3, FaultPlace::behind, FaultLength::once);
  CHECK_THROWS_WITH(world.change(), Catch::StartsWith("preflight: ") &&
                                        Catch::Contains("the next invocation finishes"));
  CHECK(world.env() == env_at("10"));
  CHECK(world.state().phase == Phase::applying);
  world.next_invocation();
  CHECK(world.state().phase == Phase::verifying);
  CHECK(world.events() == std::vector<std::string>{"apply_started", "applied"});
}

TEST_CASE("an edit at any instant of an apply is never lost, and is a conflict before it counts") {
  const std::string foreign = std::string(kEnvText) + "OTHER=edited\n";
  int conflicts = 0;
  std::size_t n = 1;
  for (bool reached = true; reached; ++n) {
    CAPTURE(n);
    FaultWorld world(Story{ChangeKind::apply, Hook::none, "0", "10", "10"});
    reached = false;
    const auto fault = world.change_meddled(n, [&] {
      world.write(kEnvPath, world.env() + "OTHER=edited\n", 0640);
      reached = true;
    });
    if (fault) {
      CHECK(*fault == ErrorKind::conflict);
      ++conflicts;
      CHECK(world.env() == foreign);
      CHECK(world.state().used_decisions.empty());
    }
    world.recover();
    CHECK((world.env().find("OTHER=edited") != std::string::npos) == reached);
    CHECK_FALSE(world.state().intent);
    CHECK(world.journal_is_intact());
    CHECK(world.memory.list("/srv") == std::vector<std::string>{"service.env"});
  }
  CHECK(conflicts >= 3);  // before the first look, before the temporary file, before the exchange
}

TEST_CASE("what is edited while a hook fails stays, and the journal says first what is written") {
  FaultWorld world(Story{ChangeKind::apply, Hook::fails, "0", "10", "0"});
  bool is_first = true;
  world.processes.during_run([&] {
    if (is_first) world.write(kEnvPath, world.env() + "OTHER=edited\n", 0640);
    is_first = false;
    world.answer_hook();
  });
  world.change();
  CHECK(world.env() == std::string(kEnvText) + "OTHER=edited\n");
  CHECK(world.events() == std::vector<std::string>{"apply_started", "hook_failed",
                                                   "rollback_started", "rollback_started",
                                                   "rolled_back"});
}

TEST_CASE("what is written over an apply at once is a conflict that the next invocation settles") {
  std::set<std::string> settled;
  std::size_t n = 1;
  for (bool reached = true; reached; ++n) {
    CAPTURE(n);
    FaultWorld world(Story{ChangeKind::apply, Hook::none, "0", "10", "10"});
    reached = false;
    // An editor that opened the file before the change saves it behind it.
    const auto fault = world.change_meddled(n, [&] {
      reached = true;
      if (world.value("DAG_ROLLOUT_PERCENT") == "10") {
        world.write(kEnvPath, std::string(kEnvText) + "OTHER=edited\n", 0640);
      }
    });
    if (fault) {
      CHECK(*fault == ErrorKind::conflict);
      world.recover();
      settled.insert(world.events().back());
      CHECK(world.env() == std::string(kEnvText) + "OTHER=edited\n");
      CHECK(world.state().used_decisions.empty());
    }
    CHECK_FALSE(world.state().intent);
    CHECK(world.journal_is_intact());
  }
  CHECK(settled == std::set<std::string>{"undone"});
}

TEST_CASE("what is written over a rollback at once is rolled back, too") {
  int carried_out_again = 0;
  std::size_t n = 1;
  for (bool reached = true; reached; ++n) {
    CAPTURE(n);
    FaultWorld world(Story{ChangeKind::rollback, Hook::none, "10", "0", "0"});
    const std::string edited = world.env() + "OTHER=edited\n";
    bool was_changed = false;
    reached = false;
    const auto fault = world.change_meddled(n, [&] {
      reached = true;
      was_changed = world.value("DAG_ROLLOUT_PERCENT") == "0";
      if (was_changed) world.write(kEnvPath, edited, 0640);
    });
    CHECK_FALSE(fault);
    const bool again = world.count("rollback_started") == 2;
    carried_out_again += again ? 1 : 0;
    // What is written behind the last look is for the next tick to see.
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == (was_changed && !again ? "10" : "0"));
    CHECK((world.env().find("OTHER=edited") != std::string::npos) == was_changed);
    CHECK_FALSE(world.state().intent);
    CHECK(world.journal_is_intact());
  }
  CHECK(carried_out_again > 0);
}

namespace {

/// Whether the new values had been written when it was cut off.
enum class Written { no, yes };

/// A world in which an apply, or a rollback, was cut off by an earlier version right behind its
/// exchange (or before it), with `aside` where that version had its temporary file.
struct EarlierWorld : FaultWorld {
  EarlierWorld(ChangeKind kind, Written written, const std::string& aside)
      : FaultWorld(kind == ChangeKind::apply
                       ? Story{ChangeKind::apply, Hook::none, "0", "10", "10"}
                       : Story{ChangeKind::rollback, Hook::none, "10", "0", "0"}) {
    CycleState state = stored.load();
    const ChangeRequest asked = request();
    state.intent = Intent{asked.kind,
                          kEnvPath,
                          sha256_hex(env()),
                          sha256_hex(env_at(story.after)),
                          asked.patch,
                          "d1",
                          "ops",
                          "because",
                          clock.now(),
                          clock.now(),
                          Phase::idle};
    state.phase = Phase::applying;
    state.used_decisions = {"d1"};
    stored.commit(state,
                  {{clock.now(), EventType::apply_started, "ops", "d1", Json(), Json(), ""}});
    if (written == Written::yes) write(kEnvPath, env_at(story.after), 0640);
    memory.write_synced(kEnvPath + ".tmp", aside, {0640, {}, {}});
  }
  std::vector<std::string> recovered() {
    CycleState state = stored.load();
    return applier().recover(state);
  }
};

}  // namespace

TEST_CASE("a change that an earlier version left interrupted is finished or undone") {
  for (const ChangeKind kind : {ChangeKind::apply, ChangeKind::rollback}) {
    for (const Written written : {Written::no, Written::yes}) {
      for (const std::string& aside : {env_at("0"), env_at("10"), std::string("planted=1\n")}) {
        CAPTURE(to_string(kind), written == Written::no, aside);
        EarlierWorld world(kind, written, aside);
        const auto told = world.recovered();
        const bool is_applied = kind == ChangeKind::apply && written == Written::yes;
        CHECK(world.env() == env_at(is_applied ? "10" : "0"));
        CHECK_FALSE(world.state().intent);
        CHECK(world.journal_is_intact());
        const bool is_strange = aside == "planted=1\n";
        CHECK(world.memory.read(kEnvPath + ".tmp").has_value() == is_strange);
        REQUIRE(told.size() == (is_strange ? 2 : 1));
        if (is_strange) CHECK_THAT(told.back(), Catch::StartsWith(kEnvPath + ".tmp is not what"));
      }
    }
  }
}

TEST_CASE("a rollback goes on under another name where something lies under the first one") {
  FaultWorld world(Story{ChangeKind::rollback, Hook::none, "10", "0", "0"});
  world.faults.arm(2, FaultPlace::before);  // behind the intent, before the first write
  CHECK_THROWS_AS(world.change(), Error);
  world.faults.disarm();
  const std::string taken = temporary_path(kEnvPath, world.state().intent->temporary);
  world.memory.write_synced(taken, "planted=1\n", {0666, {}, {}});
  CycleState state = world.stored.load();
  const auto told = world.applier().recover(state);
  CHECK(world.env() == env_at("0"));
  CHECK(world.state().phase == Phase::rolled_back);
  CHECK(world.memory.read(taken) == "planted=1\n");
  CHECK_THAT(told.back(), Catch::StartsWith(taken + " is not what"));
}
