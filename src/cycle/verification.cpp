#include "dagloop/cycle/verification.hpp"

#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {
namespace {

// A check that failed before the change is no miss of the change unless it is worse now: a policy
// change is often made because a check fails.
bool is_miss(const CheckResult& result, const Quality& quality) {
  if (!quality.baseline) return true;
  const Kpi* before =
      quality.baseline->population(result.check.population).kpis.find(result.check.kpi);
  if (before == nullptr || !before->value || before->denominator < result.check.min_sample) {
    return true;
  }
  if (holds(*before->value, result.check.comparator, result.check.threshold)) return true;
  return better_direction(result.check.kpi) == Better::higher ? *result.value < *before->value
                                                              : *result.value > *before->value;
}

}  // namespace

Verification verify_change(const ChangeUnderVerification& change, const GateResult& gate,
                           const Quality& quality, TimePoint now, Microseconds soak) {
  Verification verification;
  if (!gate.reasons.empty()) {
    verification.reasons = gate.reasons;  // the data cannot be relied on: wait
    return verification;
  }
  std::vector<Reason> missing;
  for (const CheckResult& result : gate.checks) {
    if (result.check.severity != Severity::fail) continue;
    if (result.status == CheckStatus::fail && is_miss(result, quality)) {
      verification.reasons.push_back(result.reason);
    } else if (result.status == CheckStatus::insufficient) {
      missing.push_back(result.reason);
    }
  }
  if (!verification.reasons.empty()) {
    verification.outcome = VerificationOutcome::missed;
    return verification;
  }
  if (now - change.applied_at < soak) {
    missing.push_back({"soak_not_over", "in force since " + format_time(change.applied_at) +
                                            "; verified at the earliest at " +
                                            format_time(change.applied_at + soak)});
  }
  verification.outcome =
      missing.empty() ? VerificationOutcome::passed : VerificationOutcome::waiting;
  verification.reasons = std::move(missing);
  return verification;
}

}  // namespace dagloop
