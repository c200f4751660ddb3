// An interval for one rate that may be read as often as one likes. Pure.
#pragma once

#include "dagloop/evidence/rate_evidence.hpp"
#include "dagloop/kpi/interval.hpp"

namespace dagloop {

/// Returns an interval that holds the rate at all times at once with probability 1 - alpha.
///
/// Shape:  trials >= 1; of clustered trials, `design_effect` (>= 1) count as one.
/// Source: Robbins 1970 (the Beta(1/2, 1/2) mixture; a rate that does not move).
Interval rate_sequence_interval(const ArmCounts& counts, double alpha, double design_effect = 1);

/// Returns whether that interval holds `rate` (in (0, 1)).
///
/// Cost: O(1); the interval is searched for.
bool is_in_rate_sequence(const ArmCounts& counts, double rate, double alpha);

}  // namespace dagloop
