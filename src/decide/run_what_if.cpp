#include <optional>

#include "decide/run_model.hpp"
#include "decide/what_if.hpp"

namespace dagloop {
namespace {

// Each is a simulation of 1500 runs, twice; a mean and two ranks need no more.
constexpr std::size_t kLatencyDraws = 40;
constexpr std::uint64_t kLeastPairs = 20;
constexpr std::uint64_t kLeastRetries = 5;

std::optional<double> value_of(const ModelQuestion& question, EffectModel model) {
  const auto key = question.keys.find(model);
  if (key == question.keys.end()) return std::nullopt;
  const auto value = question.values.find(key->second);
  if (value == question.values.end()) return std::nullopt;
  KeySpec spec;
  spec.type = KeyType::float_;
  return numeric_value(spec, value->second);
}

RunPolicy policy_in_force(const ModelQuestion& question) {
  RunPolicy policy;
  policy.node_timeout_ms = value_of(question, EffectModel::node_timeout);
  const auto attempts = value_of(question, EffectModel::one_more_attempt);
  const bool is_count = attempts && *attempts >= 1 && *attempts <= 1000;
  // Where no key says how many attempts there are, the log does.
  policy.attempts = is_count ? static_cast<int>(*attempts) : attempts_seen(question.service);
  return policy;
}

/// Attempts and node timeout.
class RunWhatIf final : public WhatIf {
 public:
  explicit RunWhatIf(const ModelQuestion& question)
      : kind_(question.model),
        spec_(question.spec),
        policy_(policy_in_force(question)),
        seed_(seed_of(question)),
        model_(question.dag, question.service, policy_) {
    Draws draws(seed_);
    for (std::size_t i = 0; i < kDraws; ++i) truths_.push_back(model_.draw(draws));
  }

  std::vector<double> gains(const std::string& value) const override {
    const RunPolicy policy = changed(value);
    std::vector<double> all;
    for (const auto& truth : truths_) all.push_back(model_.gain(truth, policy));
    return all;
  }

  std::vector<double> p95_changes(const std::string& value) const override {
    const RunPolicy policy = changed(value);
    std::vector<double> all;
    for (std::size_t i = 0; i < kLatencyDraws; ++i) {
      all.push_back(model_.p95_change(truths_[i * (kDraws / kLatencyDraws)], policy, seed_ + i));
    }
    return all;
  }

  Reach reach(const std::string& value) const override {
    // Retries were seen; how long an attempt would have lasted beyond its limit never was.
    if (kind_ != EffectModel::node_timeout) return Reach::inside;
    const bool is_far = *changed(value).node_timeout_ms > kSureTimes * *policy_.node_timeout_ms;
    return is_far ? Reach::extrapolated : Reach::inside;
  }

  std::uint64_t n() const override { return model_.attempts(); }
  const RunModel& model() const { return model_; }

 private:
  RunPolicy changed(const std::string& value) const {
    RunPolicy policy = policy_;
    const double number = numeric_value(spec_, value).value_or(1);
    if (kind_ == EffectModel::node_timeout) {
      policy.node_timeout_ms = number;
    } else {
      policy.attempts = static_cast<int>(number);
    }
    return policy;
  }

  EffectModel kind_;
  const KeySpec& spec_;
  RunPolicy policy_;
  std::uint64_t seed_;
  RunModel model_;
  std::vector<std::vector<NodeDraw>> truths_;
};

std::optional<Reason> fault_of(const ModelQuestion& question) {
  std::uint64_t pairs = 0;
  std::uint64_t retries = 0;
  std::uint64_t timed = 0;
  for (const auto& [name, node] : question.service.nodes) {
    pairs += node.pairs;
    retries += node.retries;
    for (const auto& [bucket, count] : node.durations) timed += count;
  }
  if (question.dag.total_runs == 0 || pairs < kLeastPairs) {
    return Reason{"too_few_pairs", {{"pairs", pairs}}};
  }
  if (question.model == EffectModel::one_more_attempt && retries < kLeastRetries) {
    return Reason{"too_few_retries", {{"retries", retries}}};
  }
  if (question.model == EffectModel::node_timeout && timed < kLeastPairs) {
    return Reason{"too_few_durations", {{"attempts", timed}}};
  }
  return std::nullopt;
}

}  // namespace

Fit fit_run_model(const ModelQuestion& question) {
  if (auto fault = fault_of(question)) return {nullptr, std::move(*fault)};
  const auto current = numeric_value(question.spec, question.values.at(question.spec.name));
  if (!current || *current < 1) return {nullptr, {"value_not_above_zero"}};
  return {std::make_unique<RunWhatIf>(question)};
}

}  // namespace dagloop
