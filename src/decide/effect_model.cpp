#include "dagloop/decide/effect_model.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "dagloop/base/assert.hpp"
#include "decide/draws.hpp"
#include "decide/what_if.hpp"

namespace dagloop {
namespace {

constexpr double kLeastGain_pp = 0.3;   // less is no reason to change a policy
constexpr double kAsGoodShare = 0.1;    // of the best gain: the nearer value is as good
constexpr double kAsGoodMost_pp = 0.5;  // but never more than this
constexpr double kStands_pp = 0.8;      // a proposal is not replaced for less
constexpr int kStepsEachWay = 8;        // values that are tried
constexpr std::size_t kLeastDraws = 5;  // of fewer no rank is that of 10 or 90 %

Effect effect_of(std::vector<double> draws, double unit, double rounded_to) {
  DAGLOOP_ASSERT(draws.size() >= kLeastDraws);
  std::sort(draws.begin(), draws.end());
  double sum = 0;
  for (const double each : draws) sum += each;
  const auto at = [&](double p) {
    return draws[static_cast<std::size_t>(
                     std::llround(p * (static_cast<double>(draws.size()) + 1))) -
                 1];
  };
  const auto printed = [&](double value) {
    const double number = std::round(value * unit / rounded_to) * rounded_to;
    return number == 0 ? 0 : number;  // never -0
  };
  return {printed(sum / static_cast<double>(draws.size())), printed(at(0.1)), printed(at(0.9))};
}

Fit fit(const ModelQuestion& question) {
  switch (question.model) {
    case EffectModel::one_more_attempt:
    case EffectModel::node_timeout:
      return fit_run_model(question);
    case EffectModel::pipeline_timeout:
      return fit_pipeline_timeout(question);
    case EffectModel::fan_out_concurrency:
      return fit_fan_out(question);
    case EffectModel::fallback:
      return fit_fallback(question);
  }
  return {};
}

Effect gain_of(const WhatIf& model, const std::string& value) {
  Effect gain = effect_of(model.gains(value), 100, 0.01);
  if (model.reach(value) == Reach::inside) return gain;
  if (gain.low > 0) gain.low = 0;  // beyond what was seen it may have no effect at all
  return gain;
}

Prediction prediction_of(const WhatIf& model, const ModelQuestion& question,
                         const std::string& value) {
  return {question.model, gain_of(model, value), effect_of(model.p95_changes(value), 1, 1),
          model.n(), model.reach(value)};
}

struct Tried {
  std::string value;
  Effect gain;
};

bool is_worth(const Effect& gain) { return gain.estimate >= kLeastGain_pp && gain.low >= 0; }

/// Orders what is worth a change: a proposal that is good enough, then the nearest value that is
/// about as good as the best, then the others by their gain.
std::vector<Tried> in_order(std::vector<Tried> tried, const std::optional<std::string>& proposed) {
  double best = 0;
  for (const Tried& each : tried) best = std::max(best, each.gain.estimate);
  std::erase_if(tried, [](const Tried& each) { return !is_worth(each.gain); });
  const double slack = std::min(kAsGoodMost_pp, kAsGoodShare * best);
  const auto first = [&](const Tried& each) {
    const bool stands = proposed == each.value && each.gain.estimate >= best - kStands_pp;
    return stands ? 0 : each.gain.estimate >= best - slack ? 1 : 2;
  };
  std::stable_sort(tried.begin(), tried.end(), [&](const Tried& a, const Tried& b) {
    if (first(a) != first(b)) return first(a) < first(b);
    return first(a) == 2 && a.gain.estimate > b.gain.estimate;
  });
  return tried;
}

Reason none_good_enough(const std::vector<Tried>& tried) {
  DAGLOOP_ASSERT(!tried.empty());
  const auto best = std::max_element(
      tried.begin(), tried.end(),
      [](const Tried& a, const Tried& b) { return a.gain.estimate < b.gain.estimate; });
  return {"best_gains_too_little",
          {{"tried", tried.size()},
           {"value", best->value},
           {"estimate_pp", best->gain.estimate},
           {"low_pp", best->gain.low},
           {"high_pp", best->gain.high}}};
}

double seen_p95(const PopulationKpis& dag) {
  const Kpi* p95 = dag.kpis.find("p95_latency_ms");
  return p95 == nullptr ? 0 : p95->value.value_or(0);
}

}  // namespace

std::vector<std::string> tried_values(const KeySpec& spec, const std::string& current) {
  std::vector<std::string> values;
  const auto add = [&](const std::string& value) {
    const bool is_new = std::find(values.begin(), values.end(), value) == values.end();
    if (value != current && is_new && !step_fault(spec, current, value)) values.push_back(value);
  };
  const auto from = numeric_value(spec, current);
  if (!from) {
    for (const std::string& word : spec.values) add(word);
    return values;
  }
  // Without a maximum step up to twice the value, or down to nothing.
  double step = spec.max_step.value_or(std::abs(*from));
  if (spec.type != KeyType::float_) step = std::floor(step);
  for (int k = 1; k <= kStepsEachWay; ++k) {
    for (const int sign : {1, -1}) {
      const double wanted = *from + sign * step * k / kStepsEachWay;
      add(format_value(spec, clip_value(spec, *from, wanted).value));
    }
  }
  return values;
}

ModelAnswer ask_model(const ModelQuestion& question) {
  const Fit fitted = fit(question);
  if (!fitted.model) return {ModelAnswer::Kind::cannot_tell, "", {}, fitted.fault};
  const WhatIf& model = *fitted.model;
  std::vector<Tried> tried;
  for (const std::string& value :
       tried_values(question.spec, question.values.at(question.spec.name))) {
    tried.push_back({value, gain_of(model, value)});
  }
  if (tried.empty()) {
    return {ModelAnswer::Kind::no_change, "", {}, {"no_other_value"}};
  }
  const std::vector<Tried> order = in_order(tried, question.proposed);
  if (order.empty()) return {ModelAnswer::Kind::no_change, "", {}, none_good_enough(tried)};
  for (const Tried& each : order) {
    Prediction prediction = prediction_of(model, question, each.value);
    const double slower = prediction.p95_ms.estimate;
    const bool is_slow =
        question.p95_limit_ms && seen_p95(question.dag) + slower > *question.p95_limit_ms;
    // A change that makes runs faster is welcome also where p95 is over its limit already.
    if (is_slow && slower > 0) continue;
    return {ModelAnswer::Kind::change, each.value, prediction, {}};
  }
  return {ModelAnswer::Kind::no_change,
          "",
          {},
          {"every_gain_too_slow", {{"limit_ms", *question.p95_limit_ms}}}};
}

std::optional<Prediction> predict(const ModelQuestion& question, const std::string& value) {
  const Fit fitted = fit(question);
  if (!fitted.model) return std::nullopt;
  return prediction_of(*fitted.model, question, value);
}

std::uint64_t seed_of(const ModelQuestion& question) {
  // From counts alone, not from a clock: who decides again on the same figures gets the same
  // answer.
  std::uint64_t seed = 1 + static_cast<std::uint64_t>(question.model);
  const auto add = [&](std::uint64_t number) { seed = mixed(seed ^ number); };
  add(question.dag.total_runs);
  add(question.dag.succeeded_runs);
  for (const auto& [name, node] : question.service.nodes) {
    add(node.attempts);
    add(node.failed_attempts);
    add(node.retries);
  }
  return seed;
}

}  // namespace dagloop
