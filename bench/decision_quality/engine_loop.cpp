#include "engine_loop.hpp"

#include "../../tests/support/loop_world.hpp"
#include "simulated_log.hpp"

namespace dagloop::bench {
namespace {

/// run_tick() with everything around it in memory.
class EngineLoop final : public Loop {
 public:
  EngineLoop(const Story& story, TimePoint start) : world_(start) {
    Config& config = world_.config;
    config.decision.evidence.mode = EvidenceMode::sequential;
    config.reports.formats.clear();
    config.reports.retention = std::chrono::hours(1);  // a tick looks at all that there are
    // The share of failures that a service lives with is its own affair: the rollout is judged by
    // what it changes.
    config.gate = {{"pipeline_success_rate", Population::dag, Comparator::at_least, 0}};
    const std::string percent = std::to_string(story.first_percent);
    std::string env = test::kEnvText;
    env.replace(env.find("PERCENT=0"), 9, "PERCENT=" + percent);
    world_.write(test::kEnvPath, env, 0640);
  }

  void take(const Run& run) override { log_.add(run); }

  Finding tick(TimePoint now, int approved_up_to) override {
    world_.clock.set(now);
    approve(now, approved_up_to);
    const TickResult result =
        run_tick({world_.files, world_.processes, world_.store, log_, world_.clock, world_.config},
                 TickMode::apply, std::nullopt);
    const Json* action = result.decision.find("action");
    const bool goes_back = action != nullptr && action->as_string() == "rollback";
    return goes_back ? Finding::rollback : Finding::nothing;
  }

  int percent() override { return std::stoi(world_.value("DAG_ROLLOUT_PERCENT")); }

 private:
  void approve(TimePoint now, int approved_up_to) {
    const Json pending = world_.stored.load().pending_decision;
    if (pending.is_null()) return;
    const Decision decision = decision_from_json(pending, "decision");
    if (now - decision.generated_at < kApprovalTakes) return;
    if (decision.next_percent.value_or(0) <= approved_up_to) world_.approve();
  }

  test::LoopWorld world_;
  SimulatedLog log_;
};

}  // namespace

std::unique_ptr<Loop> make_engine_loop(const Story& story, TimePoint start) {
  return std::make_unique<EngineLoop>(story, start);
}

}  // namespace dagloop::bench
