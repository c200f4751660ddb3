#include "dagloop/kpi/arm_figures.hpp"

#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {

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
  if (limits.absolute) arm.over_threshold = partial.latency.count_above(*limits.absolute);
  for (const auto& [name, node] : partial.nodes) {
    arm.attempts += node.attempts;
    arm.failed_attempts += node.failed_attempts;
  }
  return arm;
}

}  // namespace dagloop
