// Why a rollout goes no further, however good its figures are. Pure; private to the decide layer.
#pragma once

#include <vector>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/decision_inputs.hpp"

namespace dagloop {

/// Returns what stands against every step up the ladder, whatever the gate says; every hold tells
/// it.
///
/// Shape: `no_cohorts` where the log does not say which runs are the canary's;
///        `canary_share_too_high` where more than twice as many as it should be are;
///        `excluded_by_evidence` where a trigger fired on the policy, now or ever in its rollout.
std::vector<Reason> rollout_obstacles(const DecisionInputs& inputs, const Comparison& comparison);

}  // namespace dagloop
