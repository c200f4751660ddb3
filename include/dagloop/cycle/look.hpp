// One look at a service: figures, gate, evidence, decision. What a tick decides from, and what a
// replay of the past decides from. Composes evaluation and decide; touches nothing by itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dagloop/config/config.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/evidence/evidence.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// What is the same at every look. Owns: nothing.
struct LookContext {
  const Config& config;
  const std::vector<KeySpec>& keys;
  const std::vector<PolicyRule>& rules;
  std::string proposed_by;
};

/// What a look starts from.
struct LookInputs {
  PolicyValues values;     // allowlisted keys of the env file
  std::string env_sha256;  // of the whole env file
  PolicyHistory history;
  const Evidence& kept;  // up to the last look
  TimePoint now;
};

/// What was seen and decided.
struct Look {
  Quality quality;
  GateResult gate;
  Evidence evidence;  // with what is new; as it was kept where the data cannot be relied on
  Decision decision;
};

/// Returns the figures that a request asks for.
using Evaluate = std::function<Quality(const EvaluationRequest&)>;

/// Looks at the service.
///
/// Errors: what `evaluate` throws; Error{config} as decide().
Look take_look(const LookContext& context, const LookInputs& inputs, const Evaluate& evaluate);

}  // namespace dagloop
