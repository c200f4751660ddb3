#include "decide/promotion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dagloop/base/assert.hpp"
#include "decide/evidence_text.hpp"
#include "decide/figures.hpp"

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
  return Reason{
      "soak_not_over",
      fmt::format("the policy is in force since {}; it soaks for {}, until {}", format_time(since),
                  format_duration(inputs.config.soak), format_time(since + inputs.config.soak))};
}

std::optional<Reason> sample_obstacle(const PopulationKpis& side, const std::string& name,
                                      const char* code, const DecisionInputs& inputs) {
  const Kpi* kpi = side.kpis.find(kSuccessRate);
  const std::uint64_t have = kpi == nullptr ? 0 : kpi->denominator;
  const std::uint64_t need = inputs.config.min_sample;
  if (have >= need && kpi != nullptr && kpi->value) return std::nullopt;
  const std::string forecast =
      have < need ? sample_forecast(have, need, inputs.quality.current.window) : "no value";
  return Reason{code, fmt::format("{} of {} runs of {}; {}", have, need, name, forecast)};
}

void compare_success(const DecisionInputs& inputs, const Comparison& comparison,
                     PromotionView& view) {
  const Kpi& subject = *comparison.subject->kpis.find(kSuccessRate);
  const Kpi& reference = *comparison.reference->kpis.find(kSuccessRate);
  DAGLOOP_ASSERT(subject.value && reference.value);
  const double margin_pp = inputs.config.promotion_margin_pp;
  const std::string text =
      fmt::format("{} of {} is {}, of {} {}; the margin is {:.6g} points", kSuccessRate,
                  comparison.subject_name, kpi_text(kSuccessRate, subject),
                  comparison.reference_name, kpi_text(kSuccessRate, reference), margin_pp);
  if (*subject.value >= *reference.value - margin_pp / 100 - kSlack) {
    view.grounds.push_back({"not_inferior_to_control", text});
  } else {
    view.obstacles.push_back({"inferior_to_control", text});
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
  return std::pow(config.evidence.promotion_alpha, static_cast<double>(done) / steps);
}

Reason undecidable(const DecisionInputs& inputs, const EvidenceView& view, double alpha) {
  const double days = std::chrono::duration<double>(view.collected_over).count() / (24.0 * 3600.0);
  const double patience_days =
      std::chrono::duration<double>(inputs.config.evidence.patience).count() / (24.0 * 3600.0);
  const double runs =
      static_cast<double>(view.subject.trials) * patience_days / std::max(days, 1e-9);
  const auto drop = smallest_excludable_drop_pp(inputs.evidence, alpha, runs);
  const std::string detectable =
      drop ? fmt::format("the smallest drop that {} more would exclude is {:.1f} points",
                         waiting_text(patience_days * 24 * 3600), *drop)
           : std::string("no drop at all could be excluded");
  return {"cannot_be_decided",
          fmt::format("cannot be decided with this traffic: after {} {}; a larger step, a longer "
                      "soak or a wider margin would help",
                      waiting_text(days * 24 * 3600), detectable)};
}

void weigh_evidence(const DecisionInputs& inputs, const std::string& subject, int next,
                    PromotionView& view) {
  const EvidenceConfig& config = inputs.config.evidence;
  if (config.mode == EvidenceMode::point) return;
  const double alpha = alpha_of_step(inputs, next);
  const EvidenceView evidence = view_promotion_test(inputs.evidence, alpha, config);
  view.evidence = evidence;
  if (!evidence.is_available) {
    view.obstacles.push_back(
        {"no_evidence", "no runs of both sides were counted yet: nothing speaks for a promotion"});
    return;
  }
  const std::string text = fmt::format("against a drop of {:.6g} points or more {}",
                                       config.excluded_drop_pp, evidence_text(evidence, subject));
  if (evidence.decides()) {
    view.grounds.push_back({"inferiority_excluded", text});
    return;
  }
  view.obstacles.push_back({"inferiority_not_excluded", text});
  if (evidence.collected_over >= config.patience) {
    view.obstacles.push_back(undecidable(inputs, evidence, alpha));
  }
}

void look_at_comparison(const DecisionInputs& inputs, const Comparison& comparison, int next,
                        PromotionView& view) {
  if (comparison.fault) {
    view.obstacles.push_back(*comparison.fault);
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
  weigh_evidence(inputs, comparison.subject_name, next, view);
}

std::optional<Reason> allowlist_obstacle(const DecisionInputs& inputs, int next) {
  const std::string& key = inputs.config.rollout_key;
  const KeySpec* spec = find_key(inputs.keys, key);
  const auto fault = spec == nullptr
                         ? std::optional(key + " is not on the allowlist")
                         : step_fault(*spec, inputs.values.at(key), std::to_string(next));
  if (!fault) return std::nullopt;
  return Reason{"promotion_not_allowed", *fault};
}

}  // namespace

PromotionView view_promotion(const DecisionInputs& inputs, const Comparison& comparison,
                             int percent, int next) {
  DAGLOOP_ASSERT(percent < next);
  PromotionView view;
  if (const auto soaking = soak_obstacle(inputs)) view.obstacles.push_back(*soaking);
  if (percent > 0) look_at_comparison(inputs, comparison, next, view);
  if (const auto refused = allowlist_obstacle(inputs, next)) view.obstacles.push_back(*refused);
  return view;
}

}  // namespace dagloop
