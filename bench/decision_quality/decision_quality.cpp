// Thousands of simulated rollouts under this engine and the rules that others use; see
// docs/decision-quality.md. Writes its table as Markdown.
// usage: decision_quality [ROLLOUTS [SCENARIO]]
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <thread>

#include "rules.hpp"
#include "service.hpp"

namespace dagloop::bench {
namespace {

constexpr int kMostDays = 60;  // of a rollout

struct Traffic {
  double runs_per_day;
  int window_days;   // the longer, the fewer runs there are
  int tick_minutes;  // the more runs, the sooner there is something to see
};
constexpr std::array<Traffic, 4> kTraffic{
    {{60, 7, 15}, {500, 1, 15}, {5000, 1, 15}, {50000, 1, 5}}};

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"no change"},
      {"rates drift by 5 points", 0, 1, 1, 5},
      {"bursts", 0, 1, 1, 0, true},
      {"-2 points", 2},
      {"-5 points", 5},
      {"-10 points", 10},
      {"-20 points", 20},
      {"-50 points", 50},
      {"auth errors x2", 0, 2},
      {"auth errors x5", 0, 5},
      {"p95 +20 %", 0, 1, 1.2},
      {"p95 +100 %", 0, 1, 2},
  };
  return all;
}

enum class Ending { rolled_back, at_top, undecided };

struct Outcome {
  Ending ending = Ending::undecided;
  std::uint64_t canary_runs = 0;
  double days = 0;
  bool promoted = false;  // a step or more
};

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
  for (int tick = 0; tick < kMostDays * ticks_per_day; ++tick) {
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
    outcome.promoted = true;
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

double quantile(std::vector<double> values, double p) {
  const auto place = static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

std::string row(const std::string& scenario, const Traffic& traffic, const std::string& rule,
                const std::vector<Outcome>& outcomes) {
  double promoted = 0;
  std::vector<double> delays;
  std::vector<double> days;
  for (const Outcome& outcome : outcomes) {
    promoted += outcome.promoted ? 1 : 0;
    if (outcome.ending == Ending::rolled_back) {
      delays.push_back(static_cast<double>(outcome.canary_runs));
    } else if (outcome.ending == Ending::at_top) {
      days.push_back(outcome.days);
    }
  }
  const auto all = static_cast<double>(outcomes.size());
  const auto figure = [](const std::vector<double>& values, double p, const char* format) {
    return values.empty() ? "" : fmt::format(fmt::runtime(format), quantile(values, p));
  };
  return fmt::format("| {} | {:.0f} | {} | {:.1f} % | {:.1f} % | {:.1f} % | {} | {} | {} |\n",
                     scenario, traffic.runs_per_day, rule,
                     100 * static_cast<double>(delays.size()) / all, 100 * promoted / all,
                     100 * static_cast<double>(days.size()) / all, figure(delays, 0.5, "{:.0f}"),
                     figure(delays, 0.95, "{:.0f}"), figure(days, 0.5, "{:.1f}"));
}

std::vector<Outcome> simulate(const Scenario& scenario, const Traffic& traffic,
                              const std::string& rule, std::size_t rollouts) {
  std::vector<Outcome> outcomes(rollouts);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < rollouts; i = next++) {
      outcomes[i] = roll_out(scenario, traffic, rule, 20260301 + i);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

}  // namespace
}  // namespace dagloop::bench

int main(int argc, char** argv) {
  using namespace dagloop::bench;
  const std::size_t rollouts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const std::string only = argc > 2 ? argv[2] : "";
  if (rollouts == 0) {
    fmt::print(stderr, "usage: decision_quality [ROLLOUTS [SCENARIO]]\n");
    return 2;
  }
  fmt::print(
      "| scenario | runs a day | rule | rolled back | promoted | at 100 % | "
      "canary runs until rolled back, median | 95 % | days to 100 %, median |\n"
      "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (const Scenario& scenario : scenarios()) {
    if (!only.empty() && scenario.name != only) continue;
    for (const Traffic& traffic : kTraffic) {
      for (const std::string& rule : rule_names()) {
        fmt::print("{}",
                   row(scenario.name, traffic, rule, simulate(scenario, traffic, rule, rollouts)));
        std::fflush(stdout);
      }
    }
  }
  return 0;
}
