#include "decide/trigger_rule.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr std::uint64_t kStretchSample = 10;
constexpr double kShareAbove = 0.05;  // of the runs are above a 95th percentile

// The counts of a p95 are of runs above a latency: of the threshold itself, or of the first edge
// that is not below the limit.
bool latencies_cross(const TriggerRule& rule, const StretchView& stretch,
                     const std::optional<double>& usual_ms) {
  const ArmCounts& subject = stretch.counts.subject;
  if (rule.test == TriggerTest::above) return rate_of(subject) > kShareAbove;
  // Among runs that are alike more than one in twenty may take longer than usual on either side.
  const double share =
      std::max(kShareAbove, stretch.is_of_strata && stretch.figure ? stretch.figure->reference : 0);
  if (!usual_ms || *usual_ms <= 0 || stretch.above.empty()) return false;
  const std::vector<double> edges = latency_edges(*usual_ms);
  const double limit_ms = rule.threshold * *usual_ms * (1 - kLimitSlack);
  const auto edge =
      std::min(std::lower_bound(edges.begin(), edges.end(), limit_ms), std::prev(edges.end()));
  const std::uint64_t above = stretch.above.at(static_cast<std::size_t>(edge - edges.begin()));
  return rate_of({subject.trials, std::min(above, subject.trials)}) > share;
}

}  // namespace

bool is_of_latencies(const TriggerRule& rule) {
  return rule.test == TriggerTest::above || rule.test == TriggerTest::above_ratio;
}

std::vector<TriggerRule> rules_that_are_on(const TriggerThresholds& thresholds) {
  std::vector<TriggerRule> rules;
  const auto add = [&](std::string name, std::string kpi, TriggerTest test,
                       const std::optional<double>& threshold) {
    if (!threshold) return;
    rules.push_back({std::move(name), std::move(kpi), test, *threshold, thresholds.error_floor});
  };
  add("success_drop", "pipeline_success_rate", TriggerTest::drop_pp, thresholds.success_drop_pp);
  add("error_ratio.auth", "error_rate.auth", TriggerTest::rate_ratio, thresholds.error_ratio);
  add("error_ratio.server", "error_rate.server", TriggerTest::rate_ratio, thresholds.error_ratio);
  add("p95_absolute", "p95_latency_ms", TriggerTest::above, thresholds.p95_ms);
  add("p95_ratio", "p95_latency_ms", TriggerTest::above_ratio, thresholds.p95_ratio);
  add("attempt_failure_ratio", "attempt_failure_rate", TriggerTest::rate_ratio,
      thresholds.attempt_failure_ratio);
  add("fallback_rise", "fallback_rate", TriggerTest::rise_pp, thresholds.fallback_pp);
  return rules;
}

double distance_of(const TriggerRule& rule, const AlikeRates& rates) {
  if (rule.test == TriggerTest::rate_ratio) {
    return rates.subject / ratio_base(rule.kpi, rates.reference, rates.counts.reference.trials);
  }
  return 100 * (rates.subject - rates.reference);
}

bool rates_cross(const TriggerRule& rule, const AlikeRates& rates) {
  const std::uint64_t events = rates.counts.subject.events;
  const bool is_enough =
      rule.test != TriggerTest::rate_ratio || (events > 0 && events >= rule.error_floor);
  return is_enough && distance_of(rule, rates) >= rule.threshold - kLimitSlack;
}

bool counts_cross(const TriggerRule& rule, const Block& counts) {
  const auto rates = alike_rates({counts});
  return rates && rates_cross(rule, *rates);
}

bool has_stretch_sample(const StretchView& stretch, std::uint64_t min_sample) {
  return stretch.counts.subject.trials >=
         std::max<std::uint64_t>(1, std::min(min_sample, kStretchSample));
}

namespace {

// In which stratum the user's trials were is not known: as if all strata had his share of them.
AlikeRates without_user(const AlikeRates& rates, const ArmCounts& user) {
  AlikeRates others = rates;
  ArmCounts& subject = others.counts.subject;
  subject = without(subject, user);
  const double before = rate_of(rates.counts.subject);
  const double after = subject.trials == 0 ? 0 : rate_of(subject);
  others.subject = before > 0 ? rates.subject * (after / before) : after;
  return others;
}

bool stands_without(const TriggerRule& rule, const AlikeRates& rates, const ArmCounts& worst,
                    double e_without_worst) {
  if (e_without_worst < kConvincing) return false;
  // A p95 cannot be taken apart by users: the evidence alone says.
  if (is_of_latencies(rule)) return true;
  const AlikeRates others = without_user(rates, worst);
  return others.counts.subject.trials > 0 && rates_cross(rule, others);
}

}  // namespace

bool is_convincing(const StretchView& stretch) { return stretch.log_gain >= std::log(kConvincing); }

bool stretch_crosses(const TriggerRule& rule, const StretchView& stretch,
                     const std::optional<double>& usual_ms) {
  if (!is_convincing(stretch) || stretch.counts.subject.trials == 0) return false;
  return is_of_latencies(rule) ? latencies_cross(rule, stretch, usual_ms)
                               : stretch.figure && rates_cross(rule, *stretch.figure);
}

bool stretch_stands_without_one(const TriggerRule& rule, const StretchView& stretch) {
  if (!stretch.e_without_worst) return true;
  // Of a latency above a threshold there is no reference to have a figure with.
  const AlikeRates figure = stretch.figure.value_or(AlikeRates());
  return stands_without(rule, figure, stretch.worst, *stretch.e_without_worst);
}

bool window_stands_without_one(const TriggerRule& rule, const AlikeRates& window,
                               const EvidenceView& view) {
  return !view.e_without_worst || !view.users ||
         stands_without(rule, window, view.users->worst, *view.e_without_worst);
}

}  // namespace dagloop
