#include "dagloop/evidence/evidence.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/evidence/rate_sequence.hpp"
#include "evidence/border.hpp"

namespace dagloop {
namespace {

/// A trigger's test: its share of alpha, and what it counts.
struct TriggerTest {
  std::string_view name;
  double alpha_share = 0;
  std::uint64_t ArmFigures::*trials = nullptr;
  std::uint64_t ArmFigures::*events = nullptr;
};

// Together 0.85, so that all triggers take back an innocent change with a probability of at most
// alpha; the rest is for what else may take a policy back. Half goes to what matters most. The two
// of p95 share one trigger's 0.08 where both are counted.
constexpr std::array<TriggerTest, 7> kTriggerTests{{
    {"success_drop", 0.45, &ArmFigures::runs, &ArmFigures::failed},
    {"error_ratio.auth", 0.08, &ArmFigures::runs, &ArmFigures::auth_errors},
    {"error_ratio.server", 0.08, &ArmFigures::runs, &ArmFigures::server_errors},
    {"p95_absolute", 0.04, &ArmFigures::timed, &ArmFigures::over_threshold},
    {"p95_ratio", 0.08, &ArmFigures::timed, &ArmFigures::slow},
    {"attempt_failure_ratio", 0.08, &ArmFigures::attempts, &ArmFigures::failed_attempts},
    {"fallback_rise", 0.08, &ArmFigures::runs, &ArmFigures::aided},
}};

double alpha_share(const TriggerTest& test, const SlowLimits& limits) {
  const bool is_shared = test.events == &ArmFigures::slow && limits.absolute;
  return is_shared ? test.alpha_share / 2 : test.alpha_share;
}

const TriggerTest* find_test(std::string_view name) {
  const auto found = std::find_if(kTriggerTests.begin(), kTriggerTests.end(),
                                  [&](const TriggerTest& test) { return test.name == name; });
  return found == kTriggerTests.end() ? nullptr : &*found;
}

// Twice the odds is a drop from 90 % to 82 %, eight times to 53 %.
const RateHypothesis& no_worse() {
  static const RateHypothesis hypothesis{
      RateHypothesis::Kind::worse_by_at_most, 0, {{2.0, 0.3}, {3.5, 0.45}, {8.0, 0.25}}};
  return hypothesis;
}

// One run in twenty is above the 95th percentile.
const RateHypothesis& few_over_threshold() {
  static const RateHypothesis hypothesis{
      RateHypothesis::Kind::worse_by_at_most, 0, {{2.0, 0.34}, {3.5, 0.33}, {8.0, 0.33}}, 0.05};
  return hypothesis;
}

const RateHypothesis& hypothesis_of(const TriggerTest& test) {
  return test.events == &ArmFigures::over_threshold ? few_over_threshold() : no_worse();
}

// The margin lies between the rates, not their odds: where the reference's rate is not what it was,
// as on another day, a bet on that loses. A part of the stake does not rest on it.
RateHypothesis inferior(double margin) {
  return {RateHypothesis::Kind::worse_by_at_least,
          margin,
          {{1.0, 0.6},
           {0.5, 0.1},
           {1.0, 0.05, 0.005},
           {1.0, 0.05, 0.02},
           {1.0, 0.05, 0.05},
           {1.0, 0.05, 0.1},
           {1.0, 0.05, 0.2},
           {1.0, 0.05, 0.4}}};
}

Block block_of(const ArmFigures& subject, const ArmFigures& reference, const TriggerTest& test) {
  return {{subject.*test.trials, subject.*test.events},
          {reference.*test.trials, reference.*test.events}};
}

bool is_counted(const TriggerTest& test, const SlowLimits& limits) {
  if (test.events == &ArmFigures::slow) return limits.usual.has_value();
  if (test.events == &ArmFigures::over_threshold) return limits.absolute.has_value();
  return true;
}

double cluster_of(const TriggerTest& test, const ArmFigures& subject, const ArmFigures& reference) {
  // Attempts of one run may fail together: so many as a run has on average count as one.
  if (test.trials != &ArmFigures::attempts) return 1;
  double cluster = 1;
  for (const ArmFigures* arm : {&subject, &reference}) {
    if (arm->runs == 0) continue;
    cluster =
        std::max(cluster, static_cast<double>(arm->attempts) / static_cast<double>(arm->runs));
  }
  return cluster;
}

Interval difference_of(const ArmCounts& subject, const ArmCounts& reference, double alpha) {
  // Half of alpha for each side, so that both hold together.
  const Interval one = rate_sequence_interval(subject, alpha / 2);
  const Interval other = rate_sequence_interval(reference, alpha / 2);
  return {one.low - other.high, one.high - other.low};
}

double growth_at_present(const RateHypothesis& hypothesis, const Block& total) {
  const double per_subject =
      static_cast<double>(total.reference.trials) / static_cast<double>(total.subject.trials);
  if (hypothesis.given_rate) {
    return expected_growth(hypothesis, rate_of(total.subject), *hypothesis.given_rate, 1);
  }
  return expected_growth(hypothesis, rate_of(total.subject), rate_of(total.reference), per_subject);
}

const RateEvidence& find_evidence(const Evidence& evidence, std::string_view name) {
  static const RateEvidence none;
  const auto found = evidence.tests.find(name);
  return found == evidence.tests.end() ? none : found->second;
}

EvidenceView view_of(const Evidence& evidence, std::string_view name,
                     const RateHypothesis& hypothesis, double alpha) {
  const RateEvidence& test = find_evidence(evidence, name);
  EvidenceView view;
  view.alpha = alpha;
  view.collected_over = evidence.until - evidence.since;
  view.needed = 1 / alpha;
  view.e_value = e_value_of(test.greatest_log_e);
  view.subject = test.total.subject;
  if (!hypothesis.given_rate) view.reference = test.total.reference;
  if (view.subject.trials == 0) return view;
  if (!hypothesis.given_rate) {
    if (view.reference.trials == 0) return view;
    view.difference = difference_of(view.subject, view.reference, alpha);
  }
  view.is_available = true;
  if (view.decides()) return view;
  const double growth = growth_at_present(hypothesis, test.total);
  if (growth <= 0) return view;
  // Where runs were not read, the greatest was lowered, and may be below the present one.
  const double log_e = std::min(test.log_e(hypothesis), test.greatest_log_e);
  const double more = (std::log(view.needed) - log_e) / growth;
  constexpr double kForever = 1e9;
  if (more < kForever) view.more_trials = static_cast<std::uint64_t>(std::ceil(more));
  return view;
}

}  // namespace

void add_news(Evidence& evidence, const News& news, EvidenceSides sides,
              const EvidenceConfig& config) {
  const bool has_control = sides == EvidenceSides::canary_and_control;
  const ArmFigures& subject = has_control ? news.canary : news.all;
  const ArmFigures& reference = has_control ? news.control : news.before;
  for (const TriggerTest& test : kTriggerTests) {
    if (!is_counted(test, news.limits)) continue;
    evidence.tests[std::string(test.name)].add(block_of(subject, reference, test),
                                               hypothesis_of(test),
                                               cluster_of(test, subject, reference));
  }
  evidence.tests[std::string(kPromotionTest)].add(
      block_of(subject, reference, kTriggerTests.front()), inferior(config.excluded_drop_pp / 100));
  evidence.latency.add({subject.timed, subject.above}, {reference.timed, reference.above});
  // From here the next tick counts on: each run is bet on once, or the e-values would mean nothing.
  evidence.until = news.window.end;
}

EvidenceView view_trigger(const Evidence& evidence, std::string_view trigger,
                          const EvidenceConfig& config) {
  const TriggerTest* test = find_test(trigger);
  if (test == nullptr) return {};
  return view_of(evidence, trigger, hypothesis_of(*test),
                 config.alpha * alpha_share(*test, evidence.limits));
}

EvidenceView view_promotion_test(const Evidence& evidence, double alpha,
                                 const EvidenceConfig& config) {
  return view_of(evidence, kPromotionTest, inferior(config.excluded_drop_pp / 100), alpha);
}

Evidence with_unread(Evidence evidence, const Block& unread, const EvidenceConfig& config) {
  const auto found = evidence.tests.find(kPromotionTest);
  if (found == evidence.tests.end()) return evidence;
  RateEvidence& test = found->second;
  test.greatest_log_e = test.greatest_log_e_with(unread, inferior(config.excluded_drop_pp / 100));
  test.total += unread;
  return evidence;
}

std::optional<double> smallest_excludable_drop_pp(const Evidence& evidence, double alpha,
                                                  double runs) {
  const RateEvidence& test = find_evidence(evidence, kPromotionTest);
  if (test.total.subject.trials == 0 || test.total.reference.trials == 0) return std::nullopt;
  const double all_runs = static_cast<double>(test.total.subject.trials) + runs;
  const auto is_excluded = [&](double margin) {
    return growth_at_present(inferior(margin), test.total) * all_runs >= std::log(1 / alpha);
  };
  constexpr double kMost = 0.99;
  if (!is_excluded(kMost)) return std::nullopt;
  return 100 * border(kMost, 0.0, is_excluded);
}

}  // namespace dagloop
