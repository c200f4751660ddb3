#include "dagloop/cycle/replay.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "../../support/loop_world.hpp"
#include "../../support/make_codes.hpp"
#include "../../support/rollout_generator.hpp"
#include "dagloop/base/digest.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

// What a decision document says, but for the env file's hash: it is written over in a life.
std::string without_hashes(const Json& decision) {
  Json::Object members;
  for (const Json::Member& member : decision.as_object()) {
    if (member.first != "env_sha256" && member.first != "digest") members.push_back(member);
  }
  return to_pretty_json(Json(std::move(members)));
}

/// A loop over a log that is there already, ticked and replayed.
struct ReplayedWorld : LoopWorld {
  explicit ReplayedWorld(int percent) {
    write(kEnvPath,
          "DAG_ROLLOUT_PERCENT=" + std::to_string(percent) + "\nDAG_NODE_TIMEOUT_MS=30000\n", 0640);
  }

  /// Fills the log with two cohorts, of which the canary goes bad at times, and with gaps.
  void fill(std::uint64_t seed, TimePoint from, TimePoint to) {
    Random random(seed);
    for (TimePoint slot = from; slot < to; slot += kSlot) {
      const bool is_gap = (slot - from) / hours(9) % 5 == 4;  // the data get stale
      const bool is_bad = (slot - from) / hours(10) % 4 == 2;
      if (is_gap || random.chance(0.3)) continue;
      source.add(slot, some_runs(random, is_bad), Cohort::canary);
      source.add(slot, some_runs(random, false), Cohort::control);
    }
  }

  static KpiPartial some_runs(Random& random, bool is_bad) {
    const std::uint64_t runs = 1 + random.below(4);
    const std::uint64_t failed = is_bad ? random.below(runs + 1) : random.chance(0.05) ? 1 : 0;
    KpiPartial partial = make_runs(runs, runs - failed, std::nullopt);
    for (std::uint64_t i = 0; i < runs; ++i) {
      partial.latency.add(static_cast<double>((is_bad ? 2000 : 900) + random.below(300)));
    }
    if (random.chance(is_bad ? 0.5 : 0.1)) test::fail_by(partial, "TOOL_AUTH_ERROR");
    partial.nodes["n1"] = make_node(2 * runs, failed);
    return partial;
  }

  ReplayedConfig replayed() {
    const Allowlist allowlist = read_allowlist(memory, config.policy);
    const EnvFile env = EnvFile::parse(this->env(), kEnvPath);
    return {"a",
            config,
            allowlist.keys(),
            {},
            PolicyTimeline(allowlist.values_in(env)),
            "here",
            sha256_hex(env.text())};
  }

  std::vector<Decision> decisions_of(const ReplayRequest& request,
                                     const ReplayedConfig& config_of) {
    std::vector<Decision> decisions;
    const ReplayLog log(source.read({{kAsOf - hours(2000), request.period.end}, {}, {}}));
    replay(request, config_of, log, [&](const Decision& each) { decisions.push_back(each); });
    return decisions;
  }
};

ReplayRequest request_of(TimePoint from, TimePoint to, Microseconds every) {
  ReplayRequest request;
  request.period = {from, to};
  request.every = every;
  return request;
}

struct Compared {
  std::size_t compared = 0;
  std::set<Action> actions;
  std::size_t fired = 0;
};

// Ticks the loop, and holds every decision that is not a waiting one against the replay's.
void compare(ReplayedWorld& world, TickMode mode, Compared& all) {
  const ReplayRequest request = request_of(kAsOf, kAsOf + hours(72), minutes(45));
  const auto decisions = world.decisions_of(request, world.replayed());
  REQUIRE(decisions.size() == 97);
  for (const Decision& replayed : decisions) {
    world.clock.set(replayed.as_of);
    const Json ticked = world.tick(mode).decision;
    if (*ticked.find("as_of") != Json(format_time(replayed.as_of))) continue;
    ++all.compared;
    all.actions.insert(replayed.action);
    all.fired += any_fired(replayed.triggers) ? 1U : 0U;
    if (has_reason(replayed.reasons, "data_stale")) {  // the newest record is known to the slot
      REQUIRE(ticked.find("action")->as_string() == "hold");
      REQUIRE(ticked.find("reasons")->as_array().front().find("code")->as_string() == "data_stale");
      continue;
    }
    REQUIRE(to_pretty_json(decision_to_json(replayed)) == to_pretty_json(ticked));
  }
}

}  // namespace

TEST_CASE("a replay decides what the cycle's dry ticks decide, byte for byte") {
  Compared all;
  for (const int percent : {0, 30, 100}) {
    for (const BaselineKind kind : {BaselineKind::automatic, BaselineKind::previous}) {
      CAPTURE(percent);
      ReplayedWorld world(percent);
      world.config.decision.evidence.mode = EvidenceMode::point;
      world.config.baseline.kind = kind;
      world.config.window = hours(kind == BaselineKind::automatic ? 24 : 6);
      world.fill(static_cast<std::uint64_t>(3 + percent), kAsOf - hours(96), kAsOf + hours(72));
      compare(world, TickMode::dry_run, all);
    }
  }
  CHECK(all.compared == 6 * 97);
  CHECK(all.actions.size() == 3);
  CHECK(all.fired > 20);
}

TEST_CASE("a replay collects the evidence that the cycle's ticks collect") {
  Compared all;
  for (const int percent : {0, 30, 100}) {
    CAPTURE(percent);
    ReplayedWorld world(percent);
    world.config.decision.evidence.mode = EvidenceMode::sequential;
    world.fill(static_cast<std::uint64_t>(7 + percent), kAsOf - hours(400), kAsOf + hours(72));
    compare(world, TickMode::apply, all);
  }
  CHECK(all.compared > 100);
  CHECK(all.actions.size() == 3);
  CHECK(all.fired > 2);
}

TEST_CASE("with the journal a replay decides what the loop decided all its life long") {
  ReplayedWorld world(0);
  world.config.decision.evidence.mode = EvidenceMode::sequential;
  world.config.decision.cooldown = hours(12);
  world.fill(4, kAsOf - hours(96), kAsOf + hours(240));
  std::vector<std::string> ticked;
  const ReplayRequest request = request_of(kAsOf, kAsOf + hours(240), hours(1));
  for (TimePoint at = kAsOf; at <= request.period.end; at += request.every) {
    world.clock.set(at);
    const TickResult result = world.tick();
    ticked.push_back(without_hashes(result.decision));
    const CycleState state = world.state();
    if (!state.excluded.empty() && state.cooldown_until && at >= *state.cooldown_until) {
      begin_new_rollout(world.manual(), TickMode::apply, "mended");
    }
    if (result.phase != Phase::proposed) continue;
    world.approve();
    world.tick();
  }
  ReplayedConfig replayed = world.replayed();
  replayed.policies = *policies_of_journal(world.stored.entries(), world.config.decision.cooldown);
  const auto decisions = world.decisions_of(request, replayed);
  REQUIRE(decisions.size() == ticked.size());
  std::size_t compared = 0;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const std::string mine = without_hashes(decision_to_json(decisions[i]));
    const bool is_judged_by_more = ticked[i].find("verification_missed") != std::string::npos;
    if (is_judged_by_more || has_reason(decisions[i].reasons, "data_stale")) continue;
    ++compared;
    CAPTURE(i);
    REQUIRE(mine == ticked[i]);
  }
  CHECK(compared > 100);
  const auto events = world.events();
  for (const char* event : {"applied", "verified", "rolled_back", "new_rollout"}) {
    CHECK(std::count(events.begin(), events.end(), event) > 0);
  }
}

TEST_CASE("configurations with one log read it once, others read theirs") {
  ReplayedWorld world(30);
  world.fill(1, kAsOf - hours(96), kAsOf + hours(4));
  ReplayedConfig longer = world.replayed();
  longer.config.window = hours(48);
  ReplayedConfig other = world.replayed();
  other.config.input.sources = {"elsewhere"};
  std::vector<std::vector<std::string>> opened;
  class Lent final : public LogSource {
   public:
    explicit Lent(LogSource& source) : source_(source) {}
    PartialSet read(const LogQuery& query) override { return source_.read(query); }
    std::string describe() const override { return source_.describe(); }

   private:
    LogSource& source_;
  };
  const auto open = [&](const Config& config) {
    opened.push_back(config.input.sources);
    return std::make_unique<Lent>(world.source);
  };
  const ReplayRequest request = request_of(kAsOf, kAsOf + hours(4), hours(1));
  const auto records =
      replay_all(request, {world.replayed(), other, longer}, open, kAsOf + hours(5));
  CHECK(opened == std::vector<std::vector<std::string>>{{}, {"elsewhere"}});
  REQUIRE(records.size() == 3);
  const Window read = world.source.queries().front().range;
  CHECK(read.start <= kAsOf - hours(96 + 24));  // windows, baseline and horizon of the longer one
  CHECK(read.end == kAsOf + hours(4));
  for (const ReplayRecord& record : records) CHECK(record.ticks == 5);
  CHECK(world.source.queries().size() == 2);
}

TEST_CASE("suggested thresholds, put into the configuration, give the alarms that were told") {
  ReplayedWorld world(30);
  world.config.decision.evidence.mode = EvidenceMode::point;
  world.fill(21, kAsOf - hours(96), kAsOf + hours(240));
  ReplayRequest request = request_of(kAsOf, kAsOf + hours(240), hours(1));
  request.regressions = {{kAsOf + hours(4), kAsOf + hours(14)}};
  const ReplayLog log(world.source.read({{kAsOf - hours(2000), request.period.end}, {}, {}}));
  std::size_t alarms = 0;
  for (const double a_month : {0.0, 3.0, 9.0}) {
    request.most_false_alarms = a_month;
    const ReplayRecord told = replay(request, world.replayed(), log);
    REQUIRE(told.thresholds);
    CHECK(told.thresholds->most == static_cast<std::size_t>(a_month / 3.1));
    ReplayedConfig with = world.replayed();
    TriggerThresholds& all = with.config.decision.triggers;
    for (const SuggestedThreshold& one : told.thresholds->each) {
      CHECK(one.false_alarms <= told.thresholds->most);
      ReplayedConfig alone = world.replayed();
      TriggerThresholds& thresholds = alone.config.decision.triggers;
      for (const std::string_view key : kSuggestable) threshold_of(thresholds, key).reset();
      threshold_of(thresholds, one.key) = threshold_of(all, one.key) = one.suggested;
      const ReplayRecord record = replay(request, alone, log);
      CHECK(record.false_alarms == one.false_alarms);
      CHECK(record.findings.front().found == one.findings.front().found);
    }
    const ReplayRecord together = replay(request, with, log);
    CHECK(together.false_alarms == told.thresholds->false_alarms);
    CHECK(together.findings.front().found == told.thresholds->findings.front().found);
    alarms += together.alarms.size();
  }
  CHECK(alarms > 0);
}
