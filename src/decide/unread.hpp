// What could not be read must not decide: a change has to stand with every unread run counted
// against it. Pure; private to the decide layer.
#pragma once

#include <vector>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/decision_inputs.hpp"
#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Returns `inputs` with other figures, gate and evidence.
DecisionInputs with_figures(const DecisionInputs& inputs, const Quality& quality,
                            const GateResult& gate, const Evidence& evidence);

/// Returns the runs of both sides that could not be read: each of the subject's as a failed one,
/// each of the reference's as a good one.
Block unread_of(const Comparison& comparison);

/// Returns the reason `unreadable_records_could_change_this`: how many runs of each side, the first
/// places, how many the margin allows, when they count no more at the latest, and what would then
/// stand against the change.
Reason unreadable_reason(const DecisionInputs& inputs, const Comparison& comparison,
                         std::vector<Reason> would);

}  // namespace dagloop
