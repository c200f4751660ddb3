#include "dagloop/cycle/assessment.hpp"

#include <utility>

namespace dagloop {
namespace {

PolicyStanding policy_standing(const PolicyHistory& history) {
  if (history.change == PolicyHistory::ChangeState::under_verification) {
    return PolicyStanding::under_verification;
  }
  // The first one is what was found in force: nobody verified it.
  return history.verified.size() <= 1 ? PolicyStanding::none_verified : PolicyStanding::verified;
}

}  // namespace

Assessment assess(const AssessmentContext& context, const AssessmentInputs& inputs,
                  const Evaluate& evaluate) {
  const Config& config = context.config;
  EvaluationRequest request{inputs.now, config.window, config.baseline,
                            inputs.history.in_force_since, std::nullopt};
  request.warmup = warmup_in_effect(config.decision);
  const BaselineKind baseline =
      baseline_in_effect(config.baseline.kind, inputs.values, inputs.history, config.decision);
  request.baseline.kind = baseline;
  request.baseline_from = inputs.history.before_since;
  // After a clock was set back, a policy may begin in the future. An empty window would help
  // nobody.
  if (request.not_before && *request.not_before > inputs.now) request.not_before.reset();
  Evidence evidence = evidence_to_go_on(
      inputs.kept,
      {inputs.values, request.not_before, inputs.now, baseline, policy_standing(inputs.history)},
      config);
  request.news = news_for(evidence, baseline, inputs.now, config);
  Assessment found;
  found.quality = evaluate(request);
  found.gate = evaluate_gate(config.gate, found.quality, config.input.limits);
  const std::vector<Reason> faults = data_faults(found.quality, config.input.limits);
  const bool is_sequential = config.decision.evidence.mode == EvidenceMode::sequential;
  if (is_sequential && let_go_back(faults)) {
    found.evidence =
        take_news(std::move(evidence), found.quality, baseline, request.news->sealed, config);
    for (Evidence* each : {&found.evidence.sealed, &found.evidence.all}) {
      weigh_by_days(*each, baseline, inputs.days);
    }
  } else {
    found.evidence = {inputs.kept, inputs.kept};
  }
  DecisionInputs decided{found.quality,
                         found.gate,
                         config.baseline.kind,
                         config.decision,
                         found.evidence.all,
                         config.input.limits,
                         context.keys,
                         context.rules,
                         inputs.values,
                         inputs.env_sha256,
                         inputs.history,
                         inputs.now,
                         config.policy.approval_ttl,
                         kTickActor};
  decided.sealed = &found.evidence.sealed;
  found.decision = decide(decided);
  // Data that cannot be relied on may speak for a way back, and are kept as evidence only when they
  // can: then they are counted again.
  if (!faults.empty()) found.evidence = {inputs.kept, inputs.kept};
  return found;
}

}  // namespace dagloop
