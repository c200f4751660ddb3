#include "dagloop/cycle/look.hpp"

#include <utility>

#include "dagloop/cycle/rollout_evidence.hpp"

namespace dagloop {

Look take_look(const LookContext& context, const LookInputs& inputs, const Evaluate& evaluate) {
  const Config& config = context.config;
  EvaluationRequest request{inputs.now, config.window, config.baseline,
                            inputs.history.in_force_since, std::nullopt};
  const BaselineKind baseline =
      baseline_in_effect(config.baseline.kind, inputs.values, inputs.history, config.decision);
  request.baseline.kind = baseline;
  if (request.not_before && *request.not_before > inputs.now) request.not_before.reset();
  Evidence evidence = evidence_to_go_on(
      inputs.kept, {inputs.values, request.not_before, inputs.now, baseline}, config);
  request.news = news_for(evidence, baseline);
  Look look;
  look.quality = evaluate(request);
  look.gate = evaluate_gate(config.gate, look.quality, config.input.limits);
  look.evidence = inputs.kept;
  // Data that cannot be relied on are no evidence; they are counted when they can.
  if (config.decision.evidence.mode == EvidenceMode::sequential &&
      data_faults(look.quality, config.input.limits).empty()) {
    take_news(evidence, look.quality, baseline, config);
    look.evidence = std::move(evidence);
  }
  look.decision = decide(DecisionInputs{
      look.quality, look.gate, config.baseline.kind, config.decision, look.evidence,
      config.input.limits, context.keys, context.rules, inputs.values, inputs.env_sha256,
      inputs.history, inputs.now, config.policy.approval_ttl, context.proposed_by});
  return look;
}

}  // namespace dagloop
