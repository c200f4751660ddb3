// What stands against the next step up the ladder. Pure; private to the decide layer.
#pragma once

#include <optional>
#include <vector>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/decision_inputs.hpp"

namespace dagloop {

/// What was found of a promotion.
struct PromotionView {
  std::vector<Reason> obstacles;         // empty: promote
  std::vector<Reason> grounds;           // what speaks for it
  std::optional<EvidenceView> evidence;  // against inferiority, where it is asked for
};

/// One step up the ladder.
struct LadderStep {
  int percent = 0;
  int next = 0;
};

/// Looks at soak time, samples, inferiority, triggers and allowlist.
///
/// Shape: the gate's verdict is PASS, and no trigger fired; at 0 % there is no canary yet, and
///        nothing to compare. A trigger that has crossed its line and is not confirmed yet holds
///        every promotion: what may be noise is no ground for more traffic either.
PromotionView view_promotion(const DecisionInputs& inputs, const Comparison& comparison,
                             const LadderStep& step, const std::vector<TriggerResult>& triggers);

}  // namespace dagloop
