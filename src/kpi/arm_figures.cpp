#include "dagloop/kpi/arm_figures.hpp"

#include <algorithm>
#include <cmath>

#include "dagloop/base/assert.hpp"

namespace dagloop {

std::vector<double> latency_edges(double usual_ms) {
  DAGLOOP_ASSERT(usual_ms > 0);
  // Edges 9 % apart, in the middle the usual latency: fixed for a rollout, so that counts of one
  // tick can be added to those of the next.
  constexpr double kPerOctave = 8;
  constexpr double kMiddle = (kLatencyEdges - 1) / 2.0;
  std::vector<double> edges;
  for (std::size_t i = 0; i < kLatencyEdges; ++i) {
    edges.push_back(usual_ms * std::exp2((static_cast<double>(i) - kMiddle) / kPerOctave));
  }
  return edges;
}

bool are_counts_above_edges(const std::vector<std::uint64_t>& above, std::uint64_t runs) {
  // Above a higher edge there can be no more runs than above a lower one.
  return above.size() == kLatencyEdges && above.front() <= runs &&
         std::is_sorted(above.rbegin(), above.rend());
}

namespace {

std::optional<double> slow_limit(const SlowLimits& limits, ArmRole role) {
  return role == ArmRole::subject && limits.tolerated ? limits.tolerated : limits.usual;
}

// What one user's runs count as, but for attempts.
UserArm count_user(const UserRuns& user, const SlowLimits& limits, ArmRole role) {
  UserArm arm;
  arm.hash = user.hash;
  arm.runs = user.runs;
  arm.failed = user.failed;
  arm.aided = user.aided;
  for (const auto& [found, count] : user.error_classes) {
    if (found == ErrorClass::auth) arm.auth_errors += count;
    if (found == ErrorClass::server) arm.server_errors += count;
  }
  const auto is_above = [](std::int32_t bucket, const std::optional<double>& limit) {
    return limit && bucket > DurationHistogram::bucket_of(*limit);
  };
  for (const auto& [bucket, count] : user.durations) {
    arm.timed += count;
    if (is_above(bucket, slow_limit(limits, role))) arm.slow += count;
    if (is_above(bucket, limits.absolute)) arm.over_threshold += count;
  }
  return arm;
}

// What all runs, and those of one stratum, count alike.
template <typename Partial>
ArmFigures count_runs(const Partial& partial, const SlowLimits& limits,
                      std::uint64_t became_overdue, ArmRole role) {
  ArmFigures arm;
  arm.runs = partial.total_runs + became_overdue;
  arm.failed = partial.total_runs - partial.succeeded + became_overdue;
  arm.aided = partial.total_runs - partial.succeeded_unaided + became_overdue;
  arm.overdue = became_overdue;
  // Most steps of most services hold few runs, and many none: what is not there is not looked for.
  const auto errors_of = [&](ErrorClass wanted) {
    return partial.error_classes.at(static_cast<std::size_t>(wanted));
  };
  arm.auth_errors = errors_of(ErrorClass::auth);
  arm.server_errors = errors_of(ErrorClass::server);
  arm.timed = partial.latency.count();
  if (const auto slow = slow_limit(limits, role)) arm.slow = partial.latency.count_above(*slow);
  if (limits.usual && *limits.usual > 0) {
    if (arm.timed == 0) {
      arm.above.assign(kLatencyEdges, 0);
    } else {
      arm.above = partial.latency.counts_above(latency_edges(*limits.usual));
    }
  }
  if (limits.absolute) arm.over_threshold = partial.latency.count_above(*limits.absolute);
  return arm;
}

}  // namespace

ArmFigures count_arm(const StratumPartial& partial, const SlowLimits& limits,
                     std::uint64_t became_overdue, ArmRole role) {
  ArmFigures arm = count_runs(partial, limits, became_overdue, role);
  arm.attempts = partial.attempts;
  arm.failed_attempts = partial.failed_attempts;
  return arm;
}

ArmFigures count_arm(const KpiPartial& partial, const SlowLimits& limits,
                     std::uint64_t became_overdue, ArmRole role) {
  ArmFigures arm = count_runs(partial, limits, became_overdue, role);
  for (const UserRuns& user : partial.users.users()) {
    arm.users.push_back(count_user(user, limits, role));
  }
  if (partial.runs_without_tries > 0) return arm;  // no evidence from the last tries alone
  for (const auto& [name, node] : partial.nodes) {
    arm.attempts += node.attempts;
    arm.failed_attempts += node.failed_attempts;
  }
  for (std::size_t i = 0; i < arm.users.size(); ++i) {
    arm.users[i].attempts = partial.users.users()[i].attempts;
    arm.users[i].failed_attempts = partial.users.users()[i].failed_attempts;
  }
  return arm;
}

}  // namespace dagloop
