// A small service whose runs succeed more or less often, depending on its policy. From a seed.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "../support/make_codes.hpp"
#include "../support/scripted_source.hpp"

namespace dagloop::sim {

/// How the DAG path behaves at each share of requests. Rates are fractions of all runs.
struct ServiceNature {
  double control_failures = 0.02;
  double canary_failures = 0.02;  // up to and at `breaks_above` percent
  int breaks_above = 100;         // above this share the DAG path is overloaded
  double failures_when_broken = 0.4;
  double slowdown_when_broken = 1;  // times the usual latency
  std::uint64_t runs_per_slot = 8;  // of both arms
};

/// Draws the same numbers from the same seed on every platform (the engine is specified by the
/// standard, the distributions of the standard library are not).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// Returns an integer in [0, sides).
  std::uint64_t roll(std::uint64_t sides) { return engine_() % sides; }
  /// Returns whether something of this probability happened.
  bool chance(double probability) {
    return static_cast<double>(engine_() >> 11U) * 0x1.0p-53 < probability;
  }

 private:
  std::mt19937_64 engine_;
};

/// Draws a nature: mostly good ones, some that break at a step, some that are bad all along.
inline ServiceNature draw_nature(Dice& dice) {
  constexpr std::array kSteps{0, 10, 30, 60, 100};
  ServiceNature nature;
  nature.control_failures = static_cast<double>(dice.roll(5)) / 100;
  nature.canary_failures = nature.control_failures + static_cast<double>(dice.roll(4)) / 100;
  if (dice.chance(0.5)) nature.breaks_above = kSteps.at(dice.roll(kSteps.size()));
  nature.failures_when_broken = 0.1 + static_cast<double>(dice.roll(50)) / 100;
  if (dice.chance(0.3)) nature.slowdown_when_broken = 3;
  nature.runs_per_slot = 2 + dice.roll(12);
  return nature;
}

/// Lets the service run for one slot at `percent` and logs the runs.
inline void serve_slot(const ServiceNature& nature, int percent, TimePoint slot, Dice& dice,
                       test::ScriptedSource& log) {
  const auto arm = [&](std::uint64_t runs, double failures, double latency_ms, Cohort cohort) {
    KpiPartial partial;
    for (std::uint64_t i = 0; i < runs; ++i) {
      const bool failed = dice.chance(failures);
      ++partial.total_runs;
      if (!failed) ++partial.succeeded;
      if (failed) test::fail_by(partial, dice.chance(0.5) ? "TOOL_TIMEOUT" : "500");
      partial.latency.add(latency_ms + static_cast<double>(dice.roll(100)));
    }
    if (runs > 0) log.add(slot, partial, cohort);
  };
  if (percent == 0) {
    arm(nature.runs_per_slot, nature.control_failures, 900, Cohort::none);
    return;
  }
  const bool broken = percent > nature.breaks_above;
  arm((nature.runs_per_slot + 1) / 2, broken ? nature.failures_when_broken : nature.canary_failures,
      900 * (broken ? nature.slowdown_when_broken : 1), Cohort::canary);
  arm((nature.runs_per_slot + 1) / 2, nature.control_failures, 900, Cohort::control);
}

}  // namespace dagloop::sim
