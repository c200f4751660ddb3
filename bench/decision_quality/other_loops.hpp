// The rules that others use, each in a small loop of its own: what it promotes by is the same for
// all.
#pragma once

#include "loop.hpp"

namespace dagloop::bench {

/// The names of the rules.
const std::vector<std::string>& other_names();

/// Makes the loop of that name.
///
/// Source: "threshold": success down by 10 points, or auth or server errors at twice, as Flagger
///         and Argo Rollouts compare; "threshold 3x": at three looks in a row, their failure limit;
///         "Mann-Whitney": Kayenta's judge at one-sided 1 %, over the intervals between two looks;
///         "z test, hourly": two proportions at one-sided 1 %, looked at every hour;
///         "confidence sequence": the difference of failure rates, asymptotic and one-sided at 1 %,
///         with variances over users (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021,
///         "Time-uniform central limit theory and asymptotic confidence sequences"; the variance of
///         a ratio of means by the delta method, as GrowthBook's sequential tests).
std::unique_ptr<Loop> make_other_loop(const std::string& name, const Story& story, TimePoint start);

}  // namespace dagloop::bench
