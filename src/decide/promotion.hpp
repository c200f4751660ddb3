// What stands against the next step up the ladder. Pure; private to the decide layer.
#pragma once

#include <optional>
#include <vector>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/decision_inputs.hpp"

namespace dagloop {

/// What was found of a promotion from `percent` to `next`.
struct PromotionView {
  std::vector<Reason> obstacles;         // empty: promote
  std::vector<Reason> grounds;           // what speaks for it
  std::optional<EvidenceView> evidence;  // against inferiority, where it is asked for
};

/// Looks at soak time, samples, inferiority and allowlist.
///
/// Shape: the gate's verdict is PASS; at 0 % there is no canary yet, and nothing to compare.
PromotionView view_promotion(const DecisionInputs& inputs, const Comparison& comparison,
                             int percent, int next);

}  // namespace dagloop
