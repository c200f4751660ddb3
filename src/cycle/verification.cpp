#include "dagloop/cycle/verification.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/figure_case.hpp"
#include "dagloop/evidence/rate_sequence.hpp"
#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {
namespace {

const Kpi* before_change(const GateCheck& check, const Quality& quality) {
  if (!quality.baseline) return nullptr;
  const Kpi* before = quality.baseline->population(check.population).kpis.find(check.kpi);
  const bool is_known =
      before != nullptr && before->value && before->denominator >= check.min_sample;
  return is_known ? before : nullptr;
}

bool failed_before(const GateCheck& check, const Kpi* before) {
  return before != nullptr && !holds(*before->value, check.comparator, check.threshold);
}

bool is_worse(const GateCheck& check, double now, double before) {
  return better_direction(check.kpi) == Better::higher ? now < before : now > before;
}

// A check that failed before the change is no miss of the change unless it is worse now: a policy
// change is often made because a check fails.
bool is_miss(const CheckResult& result, const Quality& quality) {
  DAGLOOP_ASSERT(result.value);
  const Kpi* before = before_change(result.check, quality);
  return !failed_before(result.check, before) ||
         is_worse(result.check, *result.value, *before->value);
}

/// The end of an interval where a check looks best, and the other.
struct Ends {
  double best = 0;
  double worst = 0;
};

std::optional<Ends> sequence_ends(const GateCheck& check, const Kpi* kpi, double alpha) {
  if (kpi == nullptr || kpi->kind != KpiKind::rate || kpi->denominator == 0 ||
      kpi->numerator > kpi->denominator) {
    return std::nullopt;
  }
  const Interval interval = rate_sequence_interval({kpi->denominator, kpi->numerator}, alpha);
  if (better_direction(check.kpi) == Better::higher) return Ends{interval.high, interval.low};
  return Ends{interval.low, interval.high};
}

// Where noise may explain a miss: between what the rate lies at all times. All the checks together
// blame a change that is innocent no more often than alpha.
std::optional<Ends> noise(const CheckResult& result, const GateResult& gate, const Quality& quality,
                          const EvidenceConfig& evidence) {
  if (evidence.mode == EvidenceMode::point) return std::nullopt;
  const GateCheck& check = result.check;
  const auto checks =
      std::count_if(gate.checks.begin(), gate.checks.end(),
                    [](const CheckResult& each) { return each.check.severity == Severity::fail; });
  DAGLOOP_ASSERT(checks > 0);
  const double alpha = evidence.alpha / static_cast<double>(checks);
  const Kpi* before = before_change(check, quality);
  const bool is_against_before = failed_before(check, before);
  const auto now =
      sequence_ends(check, quality.current.population(check.population).kpis.find(check.kpi),
                    // Two intervals are compared then, so each gets half of what may go wrong.
                    is_against_before ? alpha / 2 : alpha);
  if (!now) return std::nullopt;
  if (!is_against_before) {
    return holds(now->best, check.comparator, check.threshold) ? now : std::nullopt;
  }
  const auto then = sequence_ends(check, before, alpha / 2);
  return then && is_worse(check, now->best, then->worst) ? std::nullopt : now;
}

Reason may_be_noise(const CheckResult& result, const Ends& ends) {
  return {result.reason.code + "_unconfirmed",
          {{"why", std::vector{result.reason}},
           {"low", std::min(ends.best, ends.worst)},
           {"high", std::max(ends.best, ends.worst)}}};
}

constexpr const char* kSuccessRate = "pipeline_success_rate";
constexpr double kSlack = 1e-9;  // for figures that meet the margin but for their last bits

/// The success rates after and before a change.
struct EffectOnSuccess {
  const Kpi& now;
  const Kpi& before;
};

std::optional<EffectOnSuccess> effect_on_success(const Quality& quality,
                                                 const DecisionConfig& config) {
  if (!quality.baseline) return std::nullopt;
  const Kpi* now = quality.current.population(Population::dag).kpis.find(kSuccessRate);
  const Kpi* before = quality.baseline->population(Population::dag).kpis.find(kSuccessRate);
  for (const Kpi* each : {now, before}) {
    if (each == nullptr || !each->value || each->denominator < config.min_sample) return {};
  }
  return EffectOnSuccess{*now, *before};
}

bool is_beyond_margin(double now, double before, const DecisionConfig& config) {
  return now < before - config.promotion_margin_pp / 100 - kSlack;
}

// Whether the rates lie beyond the margin even where noise favours the change most.
bool is_surely_beyond(const EffectOnSuccess& effect, const DecisionConfig& config) {
  if (config.evidence.mode == EvidenceMode::point) return true;
  const double alpha = config.evidence.alpha / 2;
  const Interval now =
      rate_sequence_interval({effect.now.denominator, effect.now.numerator}, alpha);
  const Interval before =
      rate_sequence_interval({effect.before.denominator, effect.before.numerator}, alpha);
  return is_beyond_margin(now.high, before.low, config);
}

Reason told_effect(const std::string& code, const EffectOnSuccess& effect,
                   const DecisionConfig& config) {
  return {code,
          {{"kpi", kSuccessRate},
           {"value", *effect.now.value},
           {"count", effect.now.numerator},
           {"total", effect.now.denominator},
           {"reference_value", *effect.before.value},
           {"reference_count", effect.before.numerator},
           {"reference_total", effect.before.denominator},
           {"margin_pp", config.promotion_margin_pp}}};
}

// A step of the ladder is held against control by triggers and promotions; what other keys do to
// all runs is told by the runs before alone.
void look_at_effect(const ChangeUnderVerification& change, const Quality& quality,
                    const DecisionConfig& config, Verification& verification) {
  const auto effect = effect_on_success(quality, config);
  if (!effect) return;
  if (!is_beyond_margin(*effect->now.value, *effect->before.value, config)) {
    verification.grounds.push_back(told_effect("effect_within_margin", *effect, config));
    return;
  }
  Reason beyond = told_effect("effect_beyond_margin", *effect, config);
  if (change.patch.contains(config.rollout_key)) {
    verification.grounds.push_back(std::move(beyond));
    return;
  }
  const bool is_missed = is_surely_beyond(*effect, config);
  verification.outcome = is_missed ? VerificationOutcome::missed : VerificationOutcome::waiting;
  verification.reasons.push_back(std::move(beyond));
}

// What a settled change rests on; a gate that fails is never told as one that passed.
std::vector<Reason> grounds_of(const GateResult& gate) {
  if (gate.verdict == Verdict::PASS) return {{"gate_pass"}};
  std::vector<Reason> grounds;
  for (const CheckResult& result : gate.checks) {
    if (result.check.severity != Severity::fail || result.status != CheckStatus::fail) continue;
    grounds.push_back({"fails_as_before_the_change", {{"why", std::vector{result.reason}}}});
  }
  return grounds;
}

// By figures that are taken as they are, whatever could not be read besides.
Verification verify_as_read(const ChangeUnderVerification& change, const GateResult& gate,
                            const Quality& quality, TimePoint now, const DecisionConfig& config) {
  Verification verification;
  if (!let_go_back(gate.reasons)) {
    verification.reasons = gate.reasons;  // the data cannot be relied on: wait
    return verification;
  }
  std::vector<Reason> missing;
  for (const CheckResult& result : gate.checks) {
    // A warning tells; it takes nothing back.
    if (result.check.severity != Severity::fail) continue;
    if (result.status == CheckStatus::fail && is_miss(result, quality)) {
      const auto ends = noise(result, gate, quality, config.evidence);
      if (ends) {
        missing.push_back(may_be_noise(result, *ends));
      } else {
        verification.reasons.push_back(result.reason);
      }
    } else if (result.status == CheckStatus::insufficient) {
      missing.push_back(result.reason);
    }
  }
  // A miss is told at once; for a pass the soak time must be over and nothing open.
  if (!verification.reasons.empty()) {
    verification.outcome = VerificationOutcome::missed;
    return verification;
  }
  if (now - change.applied_at < config.soak) {
    missing.push_back({"soak_not_over",
                       {{"since", change.applied_at}, {"until", change.applied_at + config.soak}}});
  }
  verification.reasons = std::move(missing);
  if (!verification.reasons.empty()) return verification;
  verification.outcome = VerificationOutcome::passed;
  verification.grounds = grounds_of(gate);
  look_at_effect(change, quality, config, verification);
  return verification;
}

// Where too much could not be read, a miss is told all the same, and nothing settles.
Verification verify_by(const ChangeUnderVerification& change, const GateResult& gate,
                       const Quality& quality, TimePoint now, const DecisionConfig& config) {
  Verification verification = verify_as_read(change, gate, quality, now, config);
  if (gate.reasons.empty() || verification.outcome == VerificationOutcome::missed) {
    return verification;
  }
  return {.outcome = VerificationOutcome::waiting, .reasons = gate.reasons};
}

// A change settles only where it would with every unread run counted against it.
void stand_worst_case(const ChangeUnderVerification& change, const GateResult& gate,
                      const Quality& quality, const DecisionConfig& config,
                      Verification& verification) {
  if (verification.outcome != VerificationOutcome::passed || !has_unread(quality)) return;
  const TimePoint soaked = change.applied_at + config.soak;
  const Quality worst = in_case(quality, FigureCase::worst);
  Verification then = verify_by(change, evaluate_again(gate, worst), worst, soaked, config);
  if (then.outcome == VerificationOutcome::passed) return;
  verification.outcome = VerificationOutcome::waiting;
  verification.grounds.clear();
  const PopulationKpis& since = quality.current.population(Population::dag);
  const PopulationKpis* before =
      quality.baseline ? &quality.baseline->population(Population::dag) : nullptr;
  Reason reason{"unreadable_records_could_change_this", {{"unread", since.unread_runs}}};
  if (before != nullptr) reason.args.emplace_back("unread_before", before->unread_runs);
  add_unread_parts(reason.args, {&since, before});
  add_unread_leaves_at(reason.args, quality, UnreadOf::window_and_baseline);
  reason.args.emplace_back("would", std::move(then.reasons));
  verification.reasons = {std::move(reason)};
}

}  // namespace

Verification verify_change(const ChangeUnderVerification& change, const GateResult& gate,
                           const Quality& quality, TimePoint now, const DecisionConfig& config) {
  const Quality figures = in_case(quality, FigureCase::decided);
  Verification verification =
      verify_by(change, evaluate_again(gate, figures), figures, now, config);
  stand_worst_case(change, gate, figures, config, verification);
  return verification;
}

}  // namespace dagloop
