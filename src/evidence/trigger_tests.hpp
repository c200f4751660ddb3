// Which tests there are, what each counts, and what each speaks against. Private to the evidence
// layer.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dagloop/evidence/rate_evidence.hpp"
#include "dagloop/evidence/user_sample.hpp"
#include "dagloop/kpi/arm_figures.hpp"

namespace dagloop {

/// A test of the rates of both sides.
struct RateTest {
  std::string_view name;
  double alpha_share = 0;  // of EvidenceConfig::alpha
  std::uint64_t ArmFigures::*trials = nullptr;
  std::uint64_t ArmFigures::*events = nullptr;
  UserFigure of_user;
};

/// Returns those of the triggers; all counted over the same runs, the failed ones first.
const std::vector<RateTest>& rate_tests();

/// Returns the test; nullptr where there is none.
const RateTest* find_rate_test(std::string_view name);

/// Returns its share of alpha: what is counted against a threshold as well shares one trigger's.
double alpha_share(const RateTest& test, const SlowLimits& limits);
inline constexpr double kMissingShare = 0.05;
inline constexpr double kCollapseShare = 0.05;

/// Returns whether it is counted where these limits are known.
bool is_counted(const RateTest& test, const SlowLimits& limits);

/// Returns what it speaks against.
RateHypothesis hypothesis_of(const RateTest& test, const RatioTolerance& tolerance);

/// Against "the subject's rate is worse by `margin` or more".
RateHypothesis inferior(double margin);

/// Against "of the runs with a cohort the canary has half of `percent` or more".
///
/// Shape: 0 < percent < 100; trials are the runs of both, events those of the canary.
RateHypothesis share_at_least_half(int percent);

/// Against "while it is cold the subject is worse by 50 points at most".
const RateHypothesis& no_collapse();

}  // namespace dagloop
