// Figures as arguments of reasons. Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {

/// Standard errors each side of an 80 % interval.
inline constexpr double kEightyPercent = 1.2815515655446004;

/// Returns a count for arithmetic with fractions.
inline double as_double(std::uint64_t count) { return static_cast<double>(count); }

/// Returns whether the KPI or node figure called `name` is a rate, a fraction in [0, 1].
bool is_rate_name(const std::string& name);

/// Adds a KPI with a value and what it rests on: `value`, `count` and `total`, or `value` and `n`;
/// the names are put behind `prefix`. What has no value is left out.
void add_kpi(std::vector<ReasonArg>& args, const std::string& prefix, const Kpi& kpi);

}  // namespace dagloop
