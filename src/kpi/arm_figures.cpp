#include "dagloop/kpi/arm_figures.hpp"

#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {

std::vector<double> latency_edges(double usual_ms) {
  DAGLOOP_ASSERT(usual_ms > 0);
  constexpr int kOctaves = 2;  // to each side
  constexpr int kPerOctave = 8;
  std::vector<double> edges;
  for (int i = -kOctaves * kPerOctave; i <= kOctaves * kPerOctave; ++i) {
    edges.push_back(usual_ms * std::exp2(static_cast<double>(i) / kPerOctave));
  }
  return edges;
}

ArmFigures count_arm(const KpiPartial& partial, const ErrorClasses& classes,
                     const SlowLimits& limits) {
  const auto errors = count_error_classes(partial, classes);
  ArmFigures arm;
  arm.runs = partial.total_runs;
  arm.failed = partial.total_runs - partial.succeeded;
  arm.auth_errors = errors.at(ErrorClass::auth);
  arm.server_errors = errors.at(ErrorClass::server);
  arm.timed = partial.latency.count();
  if (limits.usual) arm.slow = partial.latency.count_above(*limits.usual);
  if (limits.usual && *limits.usual > 0) {
    for (const double edge : latency_edges(*limits.usual)) {
      arm.above.push_back(partial.latency.count_above(edge));
    }
  }
  if (limits.absolute) arm.over_threshold = partial.latency.count_above(*limits.absolute);
  for (const auto& [name, node] : partial.nodes) {
    arm.attempts += node.attempts;
    arm.failed_attempts += node.failed_attempts;
  }
  return arm;
}

}  // namespace dagloop
