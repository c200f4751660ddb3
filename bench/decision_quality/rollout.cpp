#include "rollout.hpp"

#include <deque>

#include "rules.hpp"

namespace dagloop::bench {
namespace {

/// The sum over the window, tick by tick.
class MovingSum {
 public:
  explicit MovingSum(std::size_t most) : most_(most) {}
  void add(const Tick& tick) {
    ticks_.push_back(tick);
    sum_.canary += tick.canary;
    sum_.control += tick.control;
    if (ticks_.size() <= most_) return;
    sum_.canary -= ticks_.front().canary;
    sum_.control -= ticks_.front().control;
    ticks_.pop_front();
  }
  void clear() {
    sum_ = {};
    ticks_.clear();
  }
  const Tick& sum() const { return sum_; }

 private:
  std::size_t most_;
  std::deque<Tick> ticks_;
  Tick sum_;
};

Config config_of(const std::string& rule, const Traffic& traffic) {
  Config config;
  config.window = std::chrono::hours(24 * traffic.window_days);
  config.decision.evidence.mode =
      rule == "this engine" ? EvidenceMode::sequential : EvidenceMode::point;
  return config;
}

}  // namespace

Outcome roll_out(const Scenario& scenario, const Traffic& traffic, const std::string& rule_name,
                 std::uint64_t seed) {
  const Config config = config_of(rule_name, traffic);
  const auto rule = make_rule(rule_name, config);
  const int ticks_per_day = 24 * 60 / traffic.tick_minutes;
  Service service(scenario, {traffic.runs_per_day, ticks_per_day}, seed);
  const Arm before = service.day_before();
  const std::vector<int>& ladder = config.decision.ladder;
  MovingSum window(static_cast<std::size_t>(traffic.window_days * ticks_per_day));
  std::size_t step = 1;
  TimePoint now = *parse_time("2026-03-01T00:00:00Z");
  TimePoint in_force_since = now;
  TimePoint seen_until = now;
  Tick news;
  Outcome outcome;
  for (int tick = 0; tick < traffic.most_days * ticks_per_day; ++tick) {
    const Tick drawn = service.next(ladder[step]);
    now += std::chrono::minutes(traffic.tick_minutes);
    window.add(drawn);
    news.canary += drawn.canary;
    news.control += drawn.control;
    outcome.canary_runs += drawn.canary.runs;
    outcome.days = static_cast<double>(tick + 1) / ticks_per_day;
    if (news.canary.runs == 0 && tick % 4 != 0) continue;  // nothing new to look at
    const Action action =
        rule->look({now, in_force_since, seen_until, ladder[step], window.sum(), news, before});
    news = {};
    seen_until = now;
    if (action == Action::rollback) {
      outcome.ending = Ending::rolled_back;
      return outcome;
    }
    if (action != Action::promote) continue;
    outcome.was_promoted = true;
    if (++step + 1 == ladder.size()) {
      outcome.ending = Ending::at_top;
      return outcome;
    }
    in_force_since = now;
    window.clear();
    rule->step();
  }
  return outcome;
}

}  // namespace dagloop::bench
