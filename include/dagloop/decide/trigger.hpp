// Rollback triggers: what is so much worse than the baseline that the policy must go. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/trigger_result.hpp"

namespace dagloop {

/// Evaluates every trigger that is on: by point estimates and, where `evidence` asks for it, by
/// what was collected.
///
/// Shape:  the figure is that of the window, or of the stretch since the evidence last began to
///         rise, whichever is worse. The stretch also fires where the window lacks runs. What
///         cannot be tested, without a run on one side of the evidence, is unconfirmed.
/// Shape:  no verdict rests on one user: without the worst one the figure still crosses its limit,
///         and the evidence of all that was counted is 20 or more.
/// Shape:  a side with fewer than `min_sample` observations makes its triggers insufficient; the
///         absolute p95 trigger needs the subject alone.
/// Source: docs/kpis.md, "Triggers".
std::vector<TriggerResult> evaluate_triggers(const TriggerThresholds& thresholds,
                                             const Comparison& comparison, std::uint64_t min_sample,
                                             const TriggerEvidence& evidence);

}  // namespace dagloop
