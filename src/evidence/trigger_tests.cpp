#include "evidence/trigger_tests.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"

namespace dagloop {

// Together, with the two of canaries, at most 0.95 of alpha: so often all triggers take back an
// innocent change; 0.05 is that of a decline. Nearly half goes to what matters most. The two of p95
// share one trigger's 0.08 where both are counted.
const std::vector<RateTest>& rate_tests() {
  static const std::vector<RateTest> tests{
      {"success_drop",
       0.45,
       &ArmFigures::runs,
       &ArmFigures::failed,
       {&UserArm::runs, &UserArm::failed}},
      {"error_ratio.auth",
       0.08,
       &ArmFigures::runs,
       &ArmFigures::auth_errors,
       {&UserArm::runs, &UserArm::auth_errors}},
      {"error_ratio.server",
       0.08,
       &ArmFigures::runs,
       &ArmFigures::server_errors,
       {&UserArm::runs, &UserArm::server_errors}},
      {"p95_absolute",
       0.04,
       &ArmFigures::timed,
       &ArmFigures::over_threshold,
       {&UserArm::timed, &UserArm::over_threshold}},
      {"p95_ratio", 0.08, &ArmFigures::timed, &ArmFigures::slow, {&UserArm::timed, &UserArm::slow}},
      {"attempt_failure_ratio",
       0.08,
       &ArmFigures::attempts,
       &ArmFigures::failed_attempts,
       {&UserArm::attempts, &UserArm::failed_attempts}},
      {"fallback_rise",
       0.08,
       &ArmFigures::runs,
       &ArmFigures::aided,
       {&UserArm::runs, &UserArm::aided}},
  };
  return tests;
}

const RateTest* find_rate_test(std::string_view name) {
  const auto found = std::find_if(rate_tests().begin(), rate_tests().end(),
                                  [&](const RateTest& test) { return test.name == name; });
  return found == rate_tests().end() ? nullptr : &*found;
}

double alpha_share(const RateTest& test, const SlowLimits& limits) {
  const bool is_shared = test.events == &ArmFigures::slow && limits.absolute;
  return is_shared ? test.alpha_share / 2 : test.alpha_share;
}

bool is_counted(const RateTest& test, const SlowLimits& limits) {
  if (test.events == &ArmFigures::slow) return limits.usual.has_value();
  if (test.events == &ArmFigures::over_threshold) return limits.absolute.has_value();
  return true;
}

namespace {

double ratio_of(const RateTest& test, const RatioTolerance& tolerance) {
  if (test.events == &ArmFigures::failed_attempts) return tolerance.attempts;
  const bool is_of_errors =
      test.events == &ArmFigures::auth_errors || test.events == &ArmFigures::server_errors;
  return is_of_errors ? tolerance.errors : 1;
}

}  // namespace

RateHypothesis hypothesis_of(const RateTest& test, const RatioTolerance& tolerance) {
  // One run in twenty is above the 95th percentile.
  if (test.events == &ArmFigures::over_threshold) {
    return {.alternatives = {{2.0, 0.34}, {3.5, 0.33}, {8.0, 0.33}}, .given_rate = 0.05};
  }
  // Twice the odds is a drop from 90 % to 82 %, eight times to 53 %. Nothing is bet on what lies
  // within the tolerance.
  const double ratio = ratio_of(test, tolerance);
  return {.ratio = ratio,
          .alternatives = {{2.0 * ratio, 0.25}, {3.5 * ratio, 0.55}, {8.0 * ratio, 0.2}}};
}

// The margin lies between the rates, not their odds: where the reference's rate is not what it was,
// as on another day, a bet on that loses. A part of the stake does not rest on it. All of the stake
// is bet at once: what is to be shown held from the beginning.
RateHypothesis inferior(double margin) {
  return {.kind = RateHypothesis::Kind::worse_by_at_least,
          .margin = margin,
          .alternatives = {{1.0, 0.6},
                           {0.5, 0.1},
                           {1.0, 0.05, 0.005},
                           {1.0, 0.05, 0.02},
                           {1.0, 0.05, 0.05},
                           {1.0, 0.05, 0.1},
                           {1.0, 0.05, 0.2},
                           {1.0, 0.05, 0.4}},
          .starts = {.first = 1, .over_month = 0},
          .stretches = RateHypothesis::Stretches::unwatched};
}

RateHypothesis share_at_least_half(int percent) {
  DAGLOOP_ASSERT(percent > 0 && percent < 100);
  // A canary run costs a bet on none nearly all: bets begin again soon after each. Starts that are
  // ten times rarer find what went missing after days a seventh later.
  constexpr std::uint64_t kCanaryRunsPerStart = 3;
  return {.kind = RateHypothesis::Kind::worse_by_at_least,
          .alternatives = {{0.5, 0.1}, {0.1, 0.2}, {0.01, 0.7}},
          .given_rate = percent / 200.0,
          .starts = {.first = 0.2,
                     .over_month = 0.4,
                     .every_trials = kCanaryRunsPerStart * 100 / static_cast<unsigned>(percent)}};
}

const RateHypothesis& no_collapse() {
  // From 10 % failures to 90 %, or to nearly all.
  static const RateHypothesis hypothesis{
      .margin = 0.5, .alternatives = {{81.0, 0.4}, {400.0, 0.3}, {361.0, 0.3, 0.05}}};
  return hypothesis;
}

}  // namespace dagloop
