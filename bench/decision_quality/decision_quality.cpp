// Thousands of simulated rollouts under this engine and the rules that others use; see
// docs/decision-quality.md, whose tables it writes.
// usage: decision_quality [ROLLOUTS [SCENARIO [RUNS_A_DAY]]]
// (ROLLOUTS of this engine; a fifth of that of each other)
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "rollout.hpp"
#include "rules.hpp"

namespace dagloop::bench {
namespace {

constexpr std::array<Traffic, 4> kTraffic{
    {{60, 7, 15, 60}, {500, 1, 15, 30}, {5000, 1, 15, 14}, {50000, 1, 1, 4}}};

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"no change"},
      {"no change, rates drift by 5 points through the day", 0, 1, 1, 5},
      {"no change, an hour a day half of all runs fail", 0, 1, 1, 0, true},
      {"success -2 points", 2},
      {"success -5 points", 5},
      {"success -10 points", 10},
      {"success -20 points", 20},
      {"success -50 points", 50},
      {"auth errors x2", 0, 2},
      {"auth errors x5", 0, 5},
      {"p95 +20 %", 0, 1, 1.2},
      {"p95 +100 %", 0, 1, 2},
      {"p95 +200 %", 0, 1, 3},
  };
  return all;
}

double quantile(std::vector<double> values, double p) {
  const auto place = static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

/// What became of the rollouts of one rule, as it stands in the table.
struct Cells {
  std::string rolled_back;
  std::string delay;
  std::string promoted;
  std::string at_top;
  std::string days;
};

Cells cells_of(const std::vector<Outcome>& outcomes) {
  double promoted = 0;
  std::vector<double> delays;
  std::vector<double> days;
  for (const Outcome& outcome : outcomes) {
    promoted += outcome.was_promoted ? 1 : 0;
    if (outcome.ending == Ending::rolled_back) {
      delays.push_back(static_cast<double>(outcome.canary_runs));
    } else if (outcome.ending == Ending::at_top) {
      days.push_back(outcome.days);
    }
  }
  const auto share = [&](double count) {
    return fmt::format("{:.1f} %", 100 * count / static_cast<double>(outcomes.size()));
  };
  Cells cells{share(static_cast<double>(delays.size())), "", share(promoted),
              share(static_cast<double>(days.size())), ""};
  if (!delays.empty()) {
    cells.delay = fmt::format("{:.0f} ({:.0f})", quantile(delays, 0.5), quantile(delays, 0.95));
  }
  if (!days.empty()) cells.days = fmt::format("{:.1f}", quantile(days, 0.5));
  return cells;
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

void print_row(double runs_per_day, const char* figure, const std::vector<Cells>& rules,
               std::string Cells::*cell) {
  std::string text = fmt::format("| {:.0f} | {} |", runs_per_day, figure);
  for (const Cells& cells : rules) text += " " + cells.*cell + " |";
  fmt::print("{}\n", text);
}

/// Shape: `runs_per_day` 0: every traffic.
void print_scenario(const Scenario& scenario, std::size_t rollouts, double runs_per_day) {
  std::string header = "| runs a day | |";
  std::string line = "| ---: | --- |";
  for (const std::string& rule : rule_names()) {
    header += " " + rule + " |";
    line += " ---: |";
  }
  fmt::print("### {}\n\n{}\n{}\n", scenario.name, header, line);
  for (const Traffic& traffic : kTraffic) {
    if (runs_per_day > 0 && traffic.runs_per_day != runs_per_day) continue;
    std::vector<Cells> rules;
    for (const std::string& rule : rule_names()) {
      const std::size_t count =
          rule == rule_names().front() ? rollouts : std::max<std::size_t>(1, rollouts / 5);
      rules.push_back(cells_of(simulate(scenario, traffic, rule, count)));
    }
    print_row(traffic.runs_per_day, "rolled back", rules, &Cells::rolled_back);
    print_row(traffic.runs_per_day, "after canary runs, median (95 %)", rules, &Cells::delay);
    print_row(traffic.runs_per_day, "promoted a step or more", rules, &Cells::promoted);
    print_row(traffic.runs_per_day, "reached 100 %", rules, &Cells::at_top);
    print_row(traffic.runs_per_day, "days to 100 %, median", rules, &Cells::days);
    std::fflush(stdout);
  }
  fmt::print("\n");
}

}  // namespace
}  // namespace dagloop::bench

int main(int argc, char** argv) {
  using namespace dagloop::bench;
  const std::size_t rollouts = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const std::string only = argc > 2 ? argv[2] : "";
  const double runs_per_day = argc > 3 ? std::strtod(argv[3], nullptr) : 0;
  bool is_known = only.empty();
  for (const Scenario& scenario : scenarios()) is_known = is_known || scenario.name == only;
  bool is_simulated = runs_per_day == 0;
  for (const Traffic& traffic : kTraffic) {
    is_simulated = is_simulated || traffic.runs_per_day == runs_per_day;
  }
  if (rollouts == 0 || !is_known || !is_simulated) {
    fmt::print(stderr, "usage: decision_quality [ROLLOUTS [SCENARIO [RUNS_A_DAY]]]\n");
    return 2;
  }
  for (const Scenario& scenario : scenarios()) {
    if (only.empty() || scenario.name == only) {
      print_scenario(scenario, rollouts, runs_per_day);
    }
  }
  return 0;
}
