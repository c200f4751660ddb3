#include "dagloop/cycle/assessment.hpp"

#include <utility>

#include "dagloop/cycle/rollout_evidence.hpp"

namespace dagloop {

Assessment assess(const AssessmentContext& context, const AssessmentInputs& inputs,
                  const Evaluate& evaluate) {
  const Config& config = context.config;
  EvaluationRequest request{inputs.now, config.window, config.baseline,
                            inputs.history.in_force_since, std::nullopt};
  const BaselineKind baseline =
      baseline_in_effect(config.baseline.kind, inputs.values, inputs.history, config.decision);
  request.baseline.kind = baseline;
  request.baseline_from = inputs.history.before_since;
  // After a clock was set back, a policy may begin in the future. An empty window would help
  // nobody.
  if (request.not_before && *request.not_before > inputs.now) request.not_before.reset();
  Evidence evidence = evidence_to_go_on(
      inputs.kept, {inputs.values, request.not_before, inputs.now, baseline}, config);
  request.news = news_for(evidence, baseline);
  Assessment found;
  found.quality = evaluate(request);
  found.gate = evaluate_gate(config.gate, found.quality, config.input.limits);
  const std::vector<Reason> faults = data_faults(found.quality, config.input.limits);
  const bool is_sequential = config.decision.evidence.mode == EvidenceMode::sequential;
  const bool is_counted = is_sequential && let_go_back(faults);
  if (is_counted) take_news(evidence, found.quality, baseline, config);
  const Evidence& decided_on = is_counted ? evidence : inputs.kept;
  found.decision = decide(DecisionInputs{
      found.quality, found.gate, config.baseline.kind, config.decision, decided_on,
      config.input.limits, context.keys, context.rules, inputs.values, inputs.env_sha256,
      inputs.history, inputs.now, config.policy.approval_ttl, kTickActor});
  // Data that cannot be relied on may speak for a way back, and are kept as evidence only when they
  // can: then they are counted again.
  found.evidence = inputs.kept;
  if (is_counted && faults.empty()) found.evidence = std::move(evidence);
  return found;
}

}  // namespace dagloop
