#include "dagloop/cycle/tick.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

/// A world with two good days before kAsOf and, if asked for, on the way up.
struct TickWorld : LoopWorld {
  TickWorld() { add_runs(kAsOf - hours(48), hours(48), 2); }

  /// Proposes, approves and applies the next step.
  void promote() {
    CHECK(tick().phase == Phase::proposed);
    approve();
    CHECK(tick().phase == Phase::verifying);
  }
  /// Lets time go by with these failures among 4 runs of each arm in each slot.
  void live(Microseconds length, std::uint64_t canary_failed = 0,
            std::uint64_t control_failed = 0) {
    add_runs(clock.now(), length, 4, canary_failed, Cohort::canary);
    add_runs(clock.now(), length, 4, control_failed, Cohort::control);
    clock.advance(length);
  }
};

bool has_note(const TickResult& result, const std::string& words) {
  for (const std::string& note : result.notes) {
    if (note.find(words) != std::string::npos) return true;
  }
  return false;
}

bool decided_because(const TickResult& result, const std::string& code) {
  for (const Json& reason : result.decision.find("reasons")->as_array()) {
    if (reason.find("code")->as_string() == code) return true;
  }
  return false;
}

}  // namespace

TEST_CASE(
    "a tick goes from idle to proposed, to verifying with an approval, to settled by itself") {
  TickWorld world;
  const TickResult proposed = world.tick();
  CHECK(proposed.code == ExitCode::done);
  CHECK(proposed.phase == Phase::proposed);
  CHECK(has_note(world.tick(), "waits for approval"));
  world.approve();
  const TickResult applied = world.tick();
  CHECK(applied.phase == Phase::verifying);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  world.live(hours(3));
  CHECK(has_note(world.tick(), "is under verification"));
  world.live(hours(3));
  CHECK(world.tick().phase == Phase::settled);
  CHECK(world.state().verified.size() == 2);
  CHECK(world.tick().phase == Phase::proposed);
  CHECK(world.events() == Words{"adopted", "proposed", "approved", "apply_started", "applied",
                                "verified", "proposed"});
  CHECK(world.journal_is_intact());
}

TEST_CASE("a dry tick writes reports, and neither env file nor state, in every phase") {
  TickWorld world;
  const auto check_dry = [&](const std::string& words) {
    const CycleState before = world.state();
    const std::string env = world.env();
    const TickResult result = world.tick(TickMode::dry_run);
    CHECK(result.phase == before.phase);
    CHECK(has_note(result, words));
    CHECK(world.state() == before);
    CHECK(world.env() == env);
  };
  check_dry("would propose a change");
  world.tick();
  check_dry("waits for approval");
  world.approve();
  check_dry("would apply the proposed change");
  world.tick();
  world.live(hours(2), 2);
  check_dry("would roll back at once");
  world.live(hours(5));
  CHECK(world.memory.read("/reports/dag_quality_latest.json"));
}

TEST_CASE("a dry tick says what it saw of an interrupted change and leaves it") {
  TickWorld world;
  world.tick();
  world.approve();
  world.faults.arm(4, FaultPlace::before);  // approved, apply_started, temporary file, rename
  CHECK_THROWS_AS(world.tick(), Error);
  world.faults.disarm();
  REQUIRE(world.state().phase == Phase::applying);
  CHECK(has_note(world.tick(TickMode::dry_run), "was interrupted"));
  CHECK(world.state().phase == Phase::applying);
  CHECK(has_note(world.tick(), "was taken back"));
  CHECK(world.state().phase == Phase::verifying);
}

TEST_CASE("a tick while another one holds the lock is a conflict and publishes nothing") {
  TickWorld world;
  const auto lock = world.stored.try_lock();
  REQUIRE(lock);
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("conflict: "));
  CHECK(world.memory.list("/reports").empty());
  CHECK_NOTHROW(world.tick(TickMode::dry_run));
}

TEST_CASE("an applying tick before the policy in force began is refused") {
  TickWorld world;
  world.promote();
  CHECK_THROWS_WITH(world.tick(TickMode::apply, kAsOf - minutes(5)),
                    Catch::StartsWith("usage: --as-of: "));
  CHECK_NOTHROW(world.tick(TickMode::dry_run, kAsOf - minutes(5)));
}

TEST_CASE("as_of is the present of the logic, the clock that of approvals and the journal") {
  TickWorld world;
  world.clock.advance(hours(1000));
  CHECK(world.tick(TickMode::apply, kAsOf).phase == Phase::proposed);
  world.approve();
  world.tick(TickMode::apply, kAsOf);
  CHECK(world.state().in_force_since == kAsOf);
  CHECK(world.stored.journal().back().event.at == world.clock.now());
  CHECK(world.memory.read("/reports/archive/dag_quality_20260225T060000Z.json"));
}

TEST_CASE("an approval that does not hold is refused with every tick and journaled once") {
  TickWorld world;
  world.tick();
  Approval approval = world.approval_of(world.state().pending_decision);
  approval.approver = "mallory";
  world.write("/approvals/dag_policy_approval_latest.json",
              to_pretty_json(approval_to_json(approval)));
  for (int n = 0; n < 3; ++n) {
    const TickResult result = world.tick();
    CHECK(result.code == ExitCode::approval);
    CHECK(has_note(result, "approval refused"));
  }
  CHECK(world.env() == kEnvText);
  CHECK(world.events() == Words{"adopted", "proposed", "refused"});
  world.approve();
  CHECK(world.tick().phase == Phase::verifying);
}

TEST_CASE("an approval in time, looked at too late, expires with its decision") {
  TickWorld world;
  world.tick();
  world.approve();
  world.clock.advance(world.config.policy.approval_ttl);
  const TickResult result = world.tick(TickMode::apply, kAsOf);
  CHECK(result.phase == Phase::expired);
  CHECK(world.env() == kEnvText);
  CHECK(world.events().back() == "expired");
}

TEST_CASE("a tick rolls a change back when it misses its verification without a trigger") {
  TickWorld world;
  world.config.decision.triggers.success_drop_pp.reset();
  world.promote();
  world.live(hours(2), 1);  // 87.5 % of all
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::rolled_back);
  CHECK(result.phase == Phase::rolled_back);
  CHECK(decided_because(result, "verification_missed"));
  CHECK(world.env() == kEnvText);
}

TEST_CASE("a tick rolls back at once when a trigger fires, and measures how long it took") {
  TickWorld world;
  world.promote();
  world.live(hours(1), 2);
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::rolled_back);
  CHECK(decided_because(result, "success_drop_fired"));
  CHECK(world.env() == kEnvText);
  CHECK_THAT(world.stored.journal().back().event.why,
             Catch::Contains("in force 0 s after its trigger"));
}

TEST_CASE("the tick after a rollback does not go further down for the runs of before") {
  TickWorld world;
  world.promote();
  world.live(hours(7));
  world.tick();
  world.promote();
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "30");
  world.live(hours(2), 3);
  world.tick();
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  for (int n = 0; n < 5; ++n) {
    world.clock.advance(minutes(5));
    CHECK(world.tick().code == ExitCode::insufficient);
    CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
  }
}

TEST_CASE("a trigger goes before a proposal that waits") {
  TickWorld world;
  world.promote();
  world.live(hours(7));
  world.tick();
  CHECK(world.tick().phase == Phase::proposed);
  world.approve();
  world.live(hours(20), 3);
  const TickResult result = world.tick();
  CHECK(result.phase == Phase::rolled_back);
  CHECK(world.env() == kEnvText);
  CHECK(world.state().pending_decision.is_null());
  CHECK(has_note(result, "superseded by a rollback"));
}

TEST_CASE("a proposal is withdrawn when a trigger fires and there is nothing to go back to") {
  TickWorld world;
  world.tick();
  world.approve();
  world.add_runs(kAsOf, hours(2), 4, 3);
  world.clock.advance(hours(2));
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::negative);
  CHECK(result.phase == Phase::rejected);
  CHECK(world.state().pending_decision.is_null());
  CHECK(world.env() == kEnvText);
}

TEST_CASE("a proposal that is withdrawn makes room for the next one in the same tick") {
  TickWorld world;
  const Patch edit{{"DAG_ROLLOUT_PERCENT", {"0", "30"}}};
  world.write(kEnvPath, EnvFile::parse(kEnvText, kEnvPath).patched(edit));
  world.live(hours(24));
  CHECK(world.tick().phase == Phase::proposed);
  const std::string promotion = decision_digest(world.state().pending_decision);
  world.live(hours(20), 3);
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::negative);
  CHECK(result.phase == Phase::proposed);
  CHECK(has_note(result, "the figures no longer support it"));
  CHECK(decision_digest(world.state().pending_decision) != promotion);
  CHECK(world.events() == Words{"adopted", "proposed", "rejected", "proposed"});
}

TEST_CASE("a way back to a policy that nobody approved waits for an approval") {
  TickWorld world;
  const Patch edit{{"DAG_ROLLOUT_PERCENT", {"0", "30"}}};
  world.write(kEnvPath, EnvFile::parse(kEnvText, kEnvPath).patched(edit));
  world.live(hours(24), 3);
  const TickResult proposed = world.tick();
  CHECK(proposed.code == ExitCode::negative);
  CHECK(proposed.phase == Phase::proposed);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "30");
  world.approve();
  CHECK(world.tick().phase == Phase::rolled_back);
  CHECK(world.value("DAG_ROLLOUT_PERCENT") == "10");
}

TEST_CASE("a change on top of an operator's edit goes back to that edit, at once") {
  TickWorld world;
  world.tick();
  const Patch edit{{"DAG_ROLLOUT_PERCENT", {"0", "10"}},
                   {"DAG_NODE_TIMEOUT_MS", {"30000", "9000"}}};
  const std::string edited = EnvFile::parse(kEnvText, kEnvPath).patched(edit);
  world.write(kEnvPath, edited);
  CHECK(world.tick().phase == Phase::rejected);
  world.live(hours(7));
  world.promote();
  world.live(hours(1), 3);
  CHECK(world.tick().code == ExitCode::rolled_back);
  CHECK(world.env() == edited);
}

TEST_CASE("an approved way back is taken although the gate has too few observations") {
  TickWorld world;
  world.config.gate.push_back(
      {"fanout_failed_rate", Population::dag, Comparator::at_most, 0.1, 20, Severity::fail});
  world.config.gate.erase(world.config.gate.begin());  // nothing fails, one is insufficient
  const Patch edit{{"DAG_ROLLOUT_PERCENT", {"0", "30"}}};
  world.write(kEnvPath, EnvFile::parse(kEnvText, kEnvPath).patched(edit));
  world.live(hours(24), 3);
  REQUIRE(world.tick().phase == Phase::proposed);
  world.approve();
  CHECK(world.tick().phase == Phase::rolled_back);
}

TEST_CASE("a tick whose source fails publishes a page that says so and throws on") {
  TickWorld world;
  world.config.reports.formats = {ReportFormat::json, ReportFormat::md, ReportFormat::html};
  world.tick();
  const auto figures = world.memory.read("/reports/dag_quality_latest.json");
  world.source.set_failure("the disk is gone");
  CHECK_THROWS_WITH(world.tick(), Catch::StartsWith("source: "));
  CHECK_THAT(*world.memory.read("/reports/dag_quality_latest.md"),
             Catch::Contains("no decision") && Catch::Contains("the disk is gone"));
  CHECK_THAT(*world.memory.read("/reports/dag_quality_latest.html"),
             Catch::Contains("no decision"));
  CHECK(world.memory.read("/reports/dag_quality_latest.json") == figures);
}

TEST_CASE("a tick whose env file is missing publishes a page that says so") {
  TickWorld world;
  world.config.reports.formats = {ReportFormat::md};
  world.tick();
  world.memory.remove(kEnvPath);
  for (const TickMode mode : {TickMode::dry_run, TickMode::apply}) {
    world.memory.remove("/reports/dag_quality_latest.md");
    CHECK_THROWS_WITH(world.tick(mode), Catch::StartsWith("preflight: "));
    CHECK_THAT(*world.memory.read("/reports/dag_quality_latest.md"),
               Catch::Contains("no decision") && Catch::Contains("the env file does not exist") &&
                   !Catch::Contains("Nothing was changed"));
  }
}

TEST_CASE("the three documents of a tick speak of the same decision") {
  TickWorld world;
  const TickResult result = world.tick();
  CHECK(*world.memory.read("/reports/dag_policy_decision_latest.json") ==
        to_pretty_json(result.decision));
  const Json gate = parse_json(*world.memory.read("/reports/dag_quality_gate_latest.json"), "g");
  CHECK(gate.find("verdict")->as_string() == result.decision.find("verdict")->as_string());
}

TEST_CASE("malformed data holds everything, an approved change included") {
  TickWorld world;
  world.tick();
  world.approve();
  world.source.set_malformed(1000);
  const TickResult result = world.tick();
  CHECK(result.code == ExitCode::source_failed);
  CHECK(decided_because(result, "malformed_share_above_limit"));
  CHECK(world.env() == kEnvText);
  CHECK(world.state().phase == Phase::proposed);
}

TEST_CASE("malformed data keep no trigger from a rollback, and the evidence as it was") {
  for (const EvidenceMode mode : {EvidenceMode::point, EvidenceMode::sequential}) {
    TickWorld world;
    world.config.decision.evidence.mode = mode;
    world.promote();
    world.source.set_malformed(1000);
    const Evidence kept = world.state().evidence;
    world.live(hours(2));
    const TickResult held = world.tick();
    CHECK(held.phase == Phase::verifying);
    CHECK(world.state().evidence == kept);
    world.live(hours(4), 4);
    const TickResult back = world.tick();
    CHECK(back.code == ExitCode::rolled_back);
    CHECK(decided_because(back, "success_drop_fired"));
    CHECK(decided_because(back, "malformed_share_above_limit"));
    CHECK_FALSE(back.faults.empty());
    CHECK(world.env() == kEnvText);
    world.clock.advance(minutes(5));
    CHECK(world.tick().decision.find("action")->as_string() == "hold");
  }
}

TEST_CASE("a change that cannot be judged in time calls a person, and stays under verification") {
  const auto unverified = [](const TickResult& result) {
    return std::ranges::any_of(result.faults, [](const std::string& fault) {
      return fault.find("is not verified within 3d: ") != std::string::npos;
    });
  };
  TickWorld silent;
  silent.promote();
  silent.clock.advance(hours(71));
  CHECK(silent.tick().code == ExitCode::insufficient);
  silent.clock.advance(hours(1));
  const TickResult late = silent.tick();
  CHECK(late.code == ExitCode::attention);
  CHECK(unverified(late));
  CHECK(late.phase == Phase::verifying);

  TickWorld unread;
  unread.promote();
  unread.live(hours(73));
  unread.source.set_malformed(100000);
  const TickResult result = unread.tick();
  CHECK(result.code == ExitCode::attention);
  CHECK(unverified(result));
  CHECK(result.phase == Phase::verifying);
  CHECK(unread.value("DAG_ROLLOUT_PERCENT") == "10");
  unread.source.set_malformed(0);
  CHECK(unread.tick().phase == Phase::settled);
}
