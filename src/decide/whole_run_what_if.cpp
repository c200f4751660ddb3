#include <algorithm>
#include <cmath>

#include "decide/figures.hpp"
#include "decide/survival.hpp"
#include "decide/what_if.hpp"

// The models that need no nodes: pipeline timeout, fan-out concurrency, fallback.

namespace dagloop {
namespace {

constexpr double kLeastRuns = 20;
constexpr double kP95 = 0.95;

double class_runs(const PopulationKpis& dag, ErrorClass error_class) {
  const auto found = dag.error_classes.find(std::string(to_string(error_class)));
  return found == dag.error_classes.end() ? 0 : as_double(found->second);
}

Reason too_few(const PopulationKpis& dag) { return {"too_few_runs", {{"runs", dag.total_runs}}}; }

class PipelineTimeout final : public WhatIf {
 public:
  explicit PipelineTimeout(const ModelQuestion& question, double limit)
      : spec_(question.spec), limit_(limit), runs_(question.dag.total_runs) {
    const DurationModel durations(question.service.durations, limit);
    Draws draws(seed_of(question));
    // A run that ends by itself succeeds as often as the others do; those cut off failed all.
    const double others = as_double(question.dag.total_runs) - durations.cut_off();
    for (std::size_t i = 0; i < kDraws; ++i) {
      truths_.push_back(
          {durations.draw(draws), draws.share(as_double(question.dag.succeeded_runs), others)});
    }
  }

  std::vector<double> gains(const std::string& value) const override {
    const double changed = *numeric_value(spec_, value);
    std::vector<double> all;
    for (const Truth& truth : truths_) {
      // Only runs that would no longer be cut off can gain; each succeeds as the others do.
      all.push_back((truth.duration.above(limit_) - truth.duration.above(changed)) * truth.success);
    }
    return all;
  }

  std::vector<double> p95_changes(const std::string& value) const override {
    const double changed = *numeric_value(spec_, value);
    std::vector<double> all;
    for (const Truth& truth : truths_) {
      const double p95 = truth.duration.quantile(kP95);
      all.push_back(std::min(p95, changed) - std::min(p95, limit_));
    }
    return all;
  }

  Reach reach(const std::string& value) const override {
    return *numeric_value(spec_, value) > kSureTimes * limit_ ? Reach::extrapolated : Reach::inside;
  }

  std::uint64_t n() const override { return runs_; }

 private:
  struct Truth {
    DurationDraw duration;
    double success;
  };
  const KeySpec& spec_;
  double limit_;
  std::uint64_t runs_;
  std::vector<Truth> truths_;
};

/// Runs that fail by a rate limit become more or fewer with the concurrency: as its power (1 is in
/// proportion), or none below a point (a limit) and in proportion to what is above it.
class FanOut final : public WhatIf {
 public:
  FanOut(const ModelQuestion& question, double concurrency)
      : spec_(question.spec), concurrency_(concurrency), runs_(question.dag.total_runs) {
    Draws draws(seed_of(question));
    const double total = as_double(question.dag.total_runs);
    const double limited = std::min(class_runs(question.dag, ErrorClass::rate_limit), total);
    const double succeeded = as_double(question.dag.succeeded_runs);
    if (const Kpi* p95 = question.dag.kpis.find("p95_latency_ms")) p95_ms_ = p95->value.value_or(0);
    for (std::size_t i = 0; i < kDraws; ++i) {
      truths_.push_back({draws.share(limited, total), draws.share(succeeded, total - limited),
                         draws.uniform() < 0.5, draws.uniform(), draws.uniform()});
    }
  }

  std::vector<double> gains(const std::string& value) const override {
    const double times = *numeric_value(spec_, value) / concurrency_;
    std::vector<double> all;
    for (const Truth& truth : truths_) {
      const double left =
          truth.has_limit ? std::max(0.0, (times - truth.form) / (1 - truth.form))
                          : std::pow(times, kLeastPower + truth.form * (kMostPower - kLeastPower));
      const double failed = std::min(truth.limited * left, 1.0);
      all.push_back((truth.limited - failed) * truth.success);
    }
    return all;
  }

  std::vector<double> p95_changes(const std::string& value) const override {
    const double times = *numeric_value(spec_, value) / concurrency_;
    std::vector<double> all;
    for (const Truth& truth : truths_) all.push_back(p95_ms_ * truth.fanned * (1 / times - 1));
    return all;
  }

  std::uint64_t n() const override { return runs_; }
  Reach reach(const std::string&) const override { return Reach::inside; }

 private:
  static constexpr double kLeastPower = 0.5;
  static constexpr double kMostPower = 3;
  struct Truth {
    double limited;  // share of runs
    double success;  // of the others
    bool has_limit;
    double form;    // where the limit lies, or which power
    double fanned;  // share of the p95 run's time that is a for_each
  };
  const KeySpec& spec_;
  double concurrency_;
  std::uint64_t runs_;
  double p95_ms_ = 0;
  std::vector<Truth> truths_;
};

/// Runs that the language model fails go on by a fallback; how often that succeeds is what runs
/// planned so are seen to do, and unknown where there are none.
class Fallback final : public WhatIf {
 public:
  Fallback(const ModelQuestion& question, const std::string& current)
      : question_(question), current_(current) {}

  std::vector<double> gains(const std::string& value) const override {
    Draws draws(seed_of(question_));
    const double total = as_double(question_.dag.total_runs);
    const Kpi* fallback = question_.dag.kpis.find("fallback_rate");
    const double fallen = fallback == nullptr ? 0 : as_double(fallback->numerator);
    const double failed = class_runs(question_.dag, ErrorClass::llm);
    std::vector<double> all;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const double eligible = draws.share(current_ == kOff ? failed : fallen, total);
      const double now = success(current_, draws);
      all.push_back(eligible * (success(value, draws) - now));
    }
    return all;
  }

  std::vector<double> p95_changes(const std::string&) const override {
    Draws draws(seed_of(question_) + 1);
    const DurationModel durations(question_.service.durations, std::nullopt);
    const double share = class_runs(question_.dag, ErrorClass::llm) /
                         std::max(1.0, as_double(question_.dag.total_runs));
    std::vector<double> all;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const DurationDraw truth = durations.draw(draws);
      const double above = share * draws.uniform();  // of the runs, go beyond the present p95
      all.push_back(truth.quantile(std::min(kP95 + above, 1.0)) - truth.quantile(kP95));
    }
    return all;
  }

  std::uint64_t n() const override { return question_.dag.total_runs; }

 private:
  static constexpr const char* kOff = "off";
  double success(const std::string& way, Draws& draws) const {
    if (way == kOff) return 0;
    const auto found = question_.dag.plan_sources.find(way);
    if (found == question_.dag.plan_sources.end()) return draws.uniform();
    const Kpi& rate = found->second.success_rate;
    // The uniform prior: unknown where there are no runs, sure where there are many.
    return draws.beta(as_double(rate.numerator) + 1,
                      std::max(0.0, as_double(rate.denominator) - as_double(rate.numerator)) + 1);
  }

  const ModelQuestion& question_;
  std::string current_;
};

}  // namespace

Fit fit_pipeline_timeout(const ModelQuestion& question) {
  const auto limit = numeric_value(question.spec, question.values.at(question.spec.name));
  if (!limit || *limit <= 0) return {nullptr, {"value_not_above_zero"}};
  double timed = 0;
  for (const auto& [bucket, count] : question.service.durations) timed += as_double(count);
  if (timed < kLeastRuns) return {nullptr, too_few(question.dag)};
  return {std::make_unique<PipelineTimeout>(question, *limit)};
}

Fit fit_fan_out(const ModelQuestion& question) {
  const auto current = numeric_value(question.spec, question.values.at(question.spec.name));
  if (!current || *current <= 0) return {nullptr, {"value_not_above_zero"}};
  if (as_double(question.dag.total_runs) < kLeastRuns) return {nullptr, too_few(question.dag)};
  const Kpi* items = question.dag.kpis.find("fanout_failed_rate");
  if (items == nullptr || items->denominator == 0) return {nullptr, {"no_fan_out"}};
  return {std::make_unique<FanOut>(question, *current)};
}

Fit fit_fallback(const ModelQuestion& question) {
  if (as_double(question.dag.total_runs) < kLeastRuns) return {nullptr, too_few(question.dag)};
  return {std::make_unique<Fallback>(question, question.values.at(question.spec.name))};
}

}  // namespace dagloop
