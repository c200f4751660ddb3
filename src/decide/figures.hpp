// Figures in sentences. Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <string>

#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {

/// Returns a count for arithmetic with fractions.
inline double as_double(std::uint64_t count) { return static_cast<double>(count); }

/// Returns whether the KPI or node figure called `name` is a rate, a fraction in [0, 1].
bool is_rate_name(const std::string& name);

/// Prints `value` of a KPI called `name`: "91.3 %" for rates, "1234 ms" for latencies, else "1.2".
std::string value_text(const std::string& name, double value);

/// Prints a KPI with a value and what it rests on: "91.3 % (913 of 1000)", "1234 ms (n = 50)".
std::string kpi_text(const std::string& name, const Kpi& kpi);

/// Prints a waiting time, rounded up: "35m", "16h", "12d". Units: seconds.
std::string waiting_text(double wait_s);

}  // namespace dagloop
