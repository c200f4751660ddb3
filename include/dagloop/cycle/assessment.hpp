// A service assessed at an instant: figures, gate, evidence, decision. What a tick decides from,
// and what a replay of the past decides from. Composes evaluation and decide; touches nothing by
// itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dagloop/config/config.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/rollout_evidence.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/evidence/evidence.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Whose decisions these are: a replay shows those that a tick would have made.
inline constexpr const char* kTickActor = "dag_optimization_cycle";

/// What is the same at every instant. Owns: nothing.
struct AssessmentContext {
  const Config& config;
  const std::vector<KeySpec>& keys;
  const std::vector<PolicyRule>& rules;
};

/// What an assessment starts from.
struct AssessmentInputs {
  PolicyValues values;     // allowlisted keys of the env file
  std::string env_sha256;  // of the whole env file
  PolicyHistory history;
  const Evidence& kept;  // what the last assessment sealed
  TimePoint now;
  std::vector<DailyFigures> days = {};  // so far, ascending
};

/// What was seen and decided.
struct Assessment {
  Quality quality;
  GateResult gate;
  CollectedEvidence evidence;  // as it was kept where the data cannot be relied on
  Decision decision;
};

/// Returns the figures that a request asks for.
using Evaluate = std::function<Quality(const EvaluationRequest&)>;

/// Assesses the service at `inputs.now`.
///
/// Errors: what `evaluate` throws; Error{config} as decide().
Assessment assess(const AssessmentContext& context, const AssessmentInputs& inputs,
                  const Evaluate& evaluate);

}  // namespace dagloop
