#include "decide/promotion.hpp"

#include <algorithm>
#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/fault_reason.hpp"
#include "decide/alike_kpis.hpp"
#include "decide/evidence_args.hpp"
#include "decide/figures.hpp"
#include "decide/rollout_obstacles.hpp"

namespace dagloop {

namespace {

constexpr const char* kSuccessRate = "pipeline_success_rate";
constexpr double kSlack = 1e-9;  // for figures that meet the margin but for their last bits
constexpr int kSoaksOfFullDemand = 2;

TimePoint in_force_since(const DecisionInputs& inputs) {
  return inputs.history.in_force_since.value_or(inputs.quality.current.window.start);
}

std::optional<Reason> soak_obstacle(const DecisionInputs& inputs) {
  const TimePoint since = in_force_since(inputs);
  if (inputs.now - since >= inputs.config.soak) return std::nullopt;
  return Reason{"soak_not_over",
                {{"since", since},
                 seconds_arg("soak_s", inputs.config.soak),
                 {"until", since + inputs.config.soak}}};
}

std::optional<Reason> sample_obstacle(const PopulationKpis& side, const std::string& name,
                                      const char* code, const DecisionInputs& inputs) {
  const Kpi* kpi = side.kpis.find(kSuccessRate);
  const std::uint64_t have = kpi == nullptr ? 0 : kpi->denominator;
  const std::uint64_t need = inputs.config.min_sample;
  if (have >= need && kpi != nullptr && kpi->value) return std::nullopt;
  Reason reason{code, {{"have", have}, {"need", need}, {"side", name}}};
  if (have < need) add_forecast(reason.args, have, need, inputs.quality.current.window);
  return reason;
}

void compare_success(const DecisionInputs& inputs, const Comparison& comparison,
                     PromotionView& view) {
  const ComparedKpi compared(comparison, kSuccessRate);
  const Kpi* subject = compared.subject();
  const Kpi* reference = compared.reference();
  // Of no stratum both sides have runs: that is an obstacle of its own.
  if (reference == nullptr) return;
  DAGLOOP_ASSERT(subject->value && reference->value);
  const double margin_pp = inputs.config.promotion_margin_pp;
  std::vector<ReasonArg> args{{"kpi", kSuccessRate}, {"subject", comparison.subject_name}};
  compared.add_subject(args);
  args.emplace_back("reference", comparison.reference_name);
  compared.add_reference(args);
  args.emplace_back("margin_pp", margin_pp);
  if (*subject->value >= *reference->value - margin_pp / 100 - kSlack) {
    view.grounds.emplace_back("not_inferior_to_control", std::move(args));
  } else {
    view.obstacles.emplace_back("inferior_to_control", std::move(args));
  }
}

// The further up, the more evidence: only what reaches the ladder's top has to have all of it.
// Where there is traffic, all of it is there by the time that is waited for it.
double alpha_of_step(const DecisionInputs& inputs, int next) {
  const DecisionConfig& config = inputs.config;
  const bool is_early = inputs.now - in_force_since(inputs) < kSoaksOfFullDemand * config.soak;
  if (is_early) return config.evidence.promotion_alpha;
  int steps = 0;
  int done = 0;
  int below = 0;
  for (const int percent : config.ladder) {
    if (below > 0) {
      ++steps;
      if (percent <= next) ++done;
    }
    below = percent;
  }
  if (steps == 0) return config.evidence.promotion_alpha;
  // On the ladder 0, 10, 30, 60, 100: alpha^(1/3), alpha^(2/3), alpha. E-values multiply, so the
  // demand grows evenly on their scale. The step to 10 asks for none: there is no canary yet.
  return std::pow(config.evidence.promotion_alpha, static_cast<double>(done) / steps);
}

Reason undecidable(const DecisionInputs& inputs, const EvidenceView& view, double alpha) {
  const double days = std::chrono::duration<double>(view.collected_over).count() / (24.0 * 3600.0);
  const double patience_days =
      std::chrono::duration<double>(inputs.config.evidence.patience).count() / (24.0 * 3600.0);
  const double runs =
      static_cast<double>(view.subject.trials) * patience_days / std::max(days, 1e-9);
  const auto drop = smallest_excludable_drop_pp(inputs.evidence, alpha, runs);
  Reason reason{"cannot_be_decided", {{"waited_s", days * 24 * 3600}}};
  if (drop) {
    reason.args.emplace_back("patience_s", patience_days * 24 * 3600);
    reason.args.emplace_back("drop_pp", *drop);
  }
  return reason;
}

Reason not_sealed(const EvidenceView& sealed, TimePoint until) {
  return {"evidence_not_sealed",
          {{"until", until},
           {"e_value", sealed.e_value},
           {"needed", sealed.needed},
           {"have", sealed.subject.trials}}};
}

void weigh_evidence(const DecisionInputs& inputs, const Comparison& comparison, int next,
                    PromotionView& view) {
  const EvidenceConfig& config = inputs.config.evidence;
  if (config.mode == EvidenceMode::point) return;
  const double alpha = alpha_of_step(inputs, next);
  const EvidenceView evidence = view_promotion_test(inputs.evidence, alpha, config);
  view.evidence = evidence;
  if (!evidence.is_available) {
    view.obstacles.emplace_back("no_evidence");
    return;
  }
  std::vector<ReasonArg> args{{"drop_pp", config.excluded_drop_pp},
                              {"subject", comparison.subject_name}};
  add_evidence(args, evidence, {comparison.subject->total_runs, comparison.subject_window});
  if (evidence.decides()) {
    // Of the last runs some records are still to come, and bad runs may take longer than good ones.
    const EvidenceView sealed =
        inputs.sealed == nullptr ? evidence : view_promotion_test(*inputs.sealed, alpha, config);
    if (sealed.is_available && sealed.decides()) {
      view.grounds.emplace_back("inferiority_excluded", std::move(args));
    } else {
      view.obstacles.push_back(not_sealed(sealed, inputs.sealed->until));
    }
    return;
  }
  view.obstacles.emplace_back("inferiority_not_excluded", std::move(args));
  if (evidence.collected_over >= config.patience) {
    view.obstacles.push_back(undecidable(inputs, evidence, alpha));
  }
}

void look_at_comparison(const DecisionInputs& inputs, const Comparison& comparison, int next,
                        PromotionView& view) {
  if (comparison.fault) {
    if (!has_reason(view.obstacles, comparison.fault->code)) {
      view.obstacles.push_back(*comparison.fault);
    }
    return;
  }
  DAGLOOP_ASSERT(comparison.subject != nullptr && comparison.reference != nullptr);
  const auto canary = sample_obstacle(*comparison.subject, comparison.subject_name,
                                      "canary_sample_insufficient", inputs);
  const auto control = sample_obstacle(*comparison.reference, comparison.reference_name,
                                       "control_sample_insufficient", inputs);
  if (canary) view.obstacles.push_back(*canary);
  if (control) view.obstacles.push_back(*control);
  if (!canary && !control) compare_success(inputs, comparison, view);
  weigh_evidence(inputs, comparison, next, view);
}

std::optional<Reason> allowlist_obstacle(const DecisionInputs& inputs, int next) {
  const std::string& key = inputs.config.rollout_key;
  const KeySpec* spec = find_key(inputs.keys, key);
  if (spec == nullptr) return Reason{"promotion_not_allowed", {{"key", key}}};
  const auto fault = step_fault(*spec, inputs.values.at(key), std::to_string(next));
  if (!fault) return std::nullopt;
  return Reason{"promotion_not_allowed", {{"fault", std::vector{fault_reason(*fault)}}}};
}

}  // namespace

PromotionView view_promotion(const DecisionInputs& inputs, const Comparison& comparison,
                             const LadderStep& step, const std::vector<TriggerResult>& triggers) {
  DAGLOOP_ASSERT(step.percent < step.next);
  PromotionView view;
  view.obstacles = rollout_obstacles(inputs, comparison);
  if (const auto soaking = soak_obstacle(inputs)) view.obstacles.push_back(*soaking);
  for (const TriggerResult& trigger : triggers) {
    DAGLOOP_ASSERT(trigger.state != TriggerState::fired);
    if (trigger.state == TriggerState::unconfirmed) view.obstacles.push_back(trigger.reason);
  }
  // At 0 % there is no canary yet, and the first step is what makes one.
  if (step.percent > 0) look_at_comparison(inputs, comparison, step.next, view);
  if (const auto no = allowlist_obstacle(inputs, step.next)) view.obstacles.push_back(*no);
  return view;
}

}  // namespace dagloop
