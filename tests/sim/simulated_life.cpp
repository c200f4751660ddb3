#include "simulated_life.hpp"

#include <algorithm>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/ladder.hpp"

namespace dagloop::sim {
namespace {

using test::kAsOf;
using test::kEnvPath;

constexpr std::array kTimeouts{"20000", "30000", "45000"};

}  // namespace

SimulatedLife::SimulatedLife(std::uint64_t seed, const LifeNature& nature)
    : nature_(nature),
      dice_(seed),
      files_(world_.memory, world_.stored),
      failing_(files_, world_.faults),
      allowlist_(read_allowlist(world_.memory, world_.config.policy)) {
  world_.config.window = std::chrono::hours(6);
  world_.config.decision.soak = std::chrono::hours(2);
  world_.config.decision.cooldown = std::chrono::hours(6);
  world_.config.policy.approval_ttl = std::chrono::hours(3);
  world_.config.reports.retention = std::chrono::hours(12);
  world_.config.reports.formats.clear();  // the pages take half the time, and decide nothing
  for (TimePoint slot = kAsOf - std::chrono::hours(12); slot < kAsOf; slot += kSlot) {
    serve_slot(nature_.service, 0, slot, dice_, world_.source);
  }
}

int SimulatedLife::percent() { return std::stoi(world_.value("DAG_ROLLOUT_PERCENT")); }

std::string SimulatedLife::history() {
  std::string text = world_.env();
  for (const JournalEntry& entry : world_.stored.entries()) {
    text += to_compact_json(journal_entry_to_json(entry)) + "\n";
  }
  return text;
}

void SimulatedLife::step() {
  let_time_go_by();
  act();
  if (dice_.chance(nature_.person.runs_dry)) tick(TickMode::dry_run);
  tick(TickMode::apply);
}

void SimulatedLife::let_time_go_by() {
  const int share = percent();
  const TimePoint end = world_.clock.now() + nature_.tick_every;
  for (TimePoint slot = ceil_to_slot(world_.clock.now()); slot < end; slot += kSlot) {
    serve_slot(nature_.service, share, slot, dice_, world_.source);
  }
  world_.clock.advance(nature_.tick_every);
}

void SimulatedLife::act() {
  const OperatorNature& person = nature_.person;
  if (!world_.state().pending_decision.is_null() && dice_.chance(person.approves)) {
    world_.approve();
  }
  if (dice_.chance(person.edits_env_file)) {
    const int step = static_cast<int>(dice_.roll(5));
    edit_env_file(
        "DAG_ROLLOUT_PERCENT",
        std::to_string(std::array{0, 10, 30, 60, 100}.at(static_cast<std::size_t>(step))));
  }
  if (dice_.chance(person.edits_elsewhere)) {
    edit_env_file("DAG_NODE_TIMEOUT_MS", kTimeouts.at(dice_.roll(kTimeouts.size())));
    world_.write(kEnvPath, world_.env() + "# edited\n", 0640);
  }
  if (dice_.chance(person.applies_by_hand)) apply_by_hand();
  if (dice_.chance(person.rolls_back)) {
    try {
      roll_back_policy({failing_, world_.processes, world_.store, world_.clock, world_.config,
                        "operator", word()},
                       TickMode::apply);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::internal) break_invariant(error.what());
    }
  }
  if (dice_.chance(person.breaks_something)) {
    world_.faults.arm(
        1 + dice_.roll(30), dice_.chance(0.5) ? test::FaultPlace::before : test::FaultPlace::behind,
        dice_.chance(0.5) ? test::FaultLength::once : test::FaultLength::from_then_on);
  }
}

void SimulatedLife::edit_env_file(const std::string& key, const std::string& value) {
  const EnvFile env = EnvFile::parse(world_.env(), kEnvPath);
  world_.write(kEnvPath, env.patched({{key, {*env.value(key), value}}}), 0640);
}

void SimulatedLife::apply_by_hand() {
  const Json pending = world_.state().pending_decision;
  if (pending.is_null()) return;
  try {
    apply_decision(
        {failing_, world_.processes, world_.store, world_.clock, world_.config, "operator", word()},
        TickMode::apply, pending, {world_.approval_of(pending)});
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) break_invariant(error.what());
  }
}

void SimulatedLife::tick(TickMode mode) {
  const int percent_before = percent();
  const std::string env_before = world_.env();
  const CycleState state_before = world_.state();
  bool completed = false;
  try {
    run_tick({failing_, world_.processes, world_.store, world_.source, world_.clock, world_.config,
              word()},
             mode, std::nullopt);
    completed = true;
  } catch (const Error& error) {
    // A fault was injected, or the tick refused: what counts is what is left behind.
    if (error.kind() == ErrorKind::internal) break_invariant(error.what());
    if (!world_.faults.struck()) break_invariant(std::string("a tick failed: ") + error.what());
  }
  world_.faults.disarm();
  check_always(percent_before);
  if (mode == TickMode::dry_run &&
      (world_.env() != env_before || !(world_.state() == state_before))) {
    break_invariant("a dry run wrote");
  }
  if (mode == TickMode::apply && completed) check_completed();
}

void SimulatedLife::check_always(int percent_before) {
  if (!files_.fault().empty()) break_invariant(files_.fault());
  if (!world_.journal_is_intact()) break_invariant("the journal is not intact");
  check_policy(percent_before);
  const CycleState state = world_.state();
  const bool is_judged = state.phase == Phase::verifying ||
                         (state.intent && state.intent->phase_before == Phase::verifying);
  if (is_judged != state.change.has_value()) {
    break_invariant("a change is kept exactly while it is verified or taken back");
  }
  if ((state.phase == Phase::applying) != state.intent.has_value()) {
    break_invariant("an intent stands exactly while applying");
  }
}

void SimulatedLife::check_policy(int percent_before) {
  const EnvFile env = EnvFile::parse(world_.env(), kEnvPath);
  for (const auto& [key, value] : allowlist_.values_in(env)) {
    if (value_fault(*find_key(allowlist_.keys(), key), value)) {
      break_invariant(key + " is out of bounds: " + value);
    }
  }
  if (env.value("SECRET") != "s3cr3t") break_invariant("a foreign line was changed");
  const std::vector<int>& ladder = world_.config.decision.ladder;
  if (percent() > step_above(ladder, percent_before).value_or(100)) {
    break_invariant("more than one step up");
  }
}

// After a tick that was not disturbed nothing is under way, and the state knows what is in force.
void SimulatedLife::check_completed() {
  const CycleState state = world_.state();
  if (state.intent) break_invariant("a completed tick left an intent");
  if (state.in_force != allowlist_.values_in(EnvFile::parse(world_.env(), kEnvPath))) {
    break_invariant("the state does not know the policy in force");
  }
  bool is_open = false;
  for (const JournalEntry& entry : world_.stored.entries()) {
    const EventType type = entry.event.type;
    if (type == EventType::apply_started || type == EventType::rollback_started) is_open = true;
    if (type == EventType::applied || type == EventType::rolled_back || type == EventType::undone ||
        type == EventType::conflict) {
      is_open = false;
    }
  }
  if (is_open) break_invariant("a change was started and never ended in the journal");
}

void SimulatedLife::break_invariant(const std::string& which) {
  if (fault_.empty()) fault_ = format_time(world_.clock.now()) + ": " + which;
}

}  // namespace dagloop::sim
