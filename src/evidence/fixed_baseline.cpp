#include "dagloop/evidence/fixed_baseline.hpp"

#include <algorithm>
#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/kpi/interval.hpp"

namespace dagloop {

// Between 0 and 100 % both cohorts are the service; where there are none, all runs.
void FixedBaseline::add(const NewsStep& step, std::uint64_t least) {
  if (step.window.start < until) return;
  until = step.window.end;
  ArmCounts runs{step.all.runs, step.all.failed};
  if (runs.trials == 0) {
    runs = {step.canary.runs + step.control.runs, step.canary.failed + step.control.failed};
  }
  if (bound) {
    later.add({.counts = {runs, {}}, .start = step.window.start}, no_decline(*bound));
  } else if (counted.trials < least ||
             (counted.trials < kFixingRuns && step.window.end - since <= kFixingTime)) {
    counted += runs;
  }
}

void FixedBaseline::fix(double design_effect) {
  DAGLOOP_ASSERT(counted.trials > 0 && design_effect >= 1);
  const auto discounted = [&](std::uint64_t count) {
    return static_cast<std::uint64_t>(std::lround(static_cast<double>(count) / design_effect));
  };
  const std::uint64_t trials = std::max<std::uint64_t>(1, discounted(counted.trials));
  constexpr double kMost = 0.99;  // a rate above it could not be told from it
  bound = std::min(kMost, wilson95(std::min(trials, discounted(counted.events)), trials).high);
}

RateHypothesis no_decline(double bound) {
  return {.alternatives = {{1.4, 0.3}, {2.0, 0.4}, {4.0, 0.3}}, .given_rate = bound};
}

}  // namespace dagloop
