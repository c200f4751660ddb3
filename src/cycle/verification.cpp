#include "dagloop/cycle/verification.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"
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

}  // namespace

Verification verify_change(const ChangeUnderVerification& change, const GateResult& gate,
                           const Quality& quality, TimePoint now, const DecisionConfig& config) {
  Verification verification;
  if (!gate.reasons.empty()) {
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
  verification.outcome =
      missing.empty() ? VerificationOutcome::passed : VerificationOutcome::waiting;
  verification.reasons = std::move(missing);
  return verification;
}

}  // namespace dagloop
