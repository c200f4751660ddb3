// Whether the service has declined since the policy in force was verified. Pure; private to the
// decide layer.
#pragma once

#include <optional>

#include "dagloop/decide/decision_inputs.hpp"

namespace dagloop {

/// Returns why a person has to look (reason `success_declined`): failures of the window, or of the
/// stretch since they began to rise, lie `triggers.decline_pp` points or more above the upper bound
/// of those when the policy was verified, and that is not noise.
///
/// Shape:  never where the figures alone decide, or the window has too few runs. It is no evidence
///         against the policy: whatever the service depends on may decline.
/// Source: docs/decisions.md, "Slow decline".
std::optional<Reason> slow_decline(const DecisionInputs& inputs);

}  // namespace dagloop
