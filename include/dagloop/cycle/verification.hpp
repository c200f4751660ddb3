// Judges a change by the runs after it. Pure.
#pragma once

#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/state/cycle_state.hpp"

namespace dagloop {

/// What the runs since a change say of it; waiting: not yet enough.
enum class VerificationOutcome { passed, missed, waiting };

/// How verification stands, and why.
struct Verification {
  VerificationOutcome outcome = VerificationOutcome::waiting;
  std::vector<Reason> reasons;
  std::vector<Reason> grounds = {};  // of what passed: checks that fail still, and the effect
};

/// Judges `change` by the gate on `quality` (the runs since the change against those before).
///
/// Shape:  missed as soon as a check of severity fail fails, unless it failed before the change too
///         and is not worse now, or (a rate, with sequential evidence) its miss may be noise;
///         passed when the soak is over, every such check has its sample and none fails anew, and
///         (a change of keys) the success rate is not below that before by more than the promotion
///         margin: missed where it is, beyond noise; waiting otherwise, data faults included.
Verification verify_change(const ChangeUnderVerification& change, const GateResult& gate,
                           const Quality& quality, TimePoint now, const DecisionConfig& config);

}  // namespace dagloop
