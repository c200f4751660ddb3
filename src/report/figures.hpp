// Private to the report layer: figures as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {

/// Prints a count with thousands separated: 12,345.
std::string show_count(std::uint64_t count);

/// Prints a fraction as a percentage: 95.2 %.
std::string show_percent(double fraction);

/// Prints a latency: 290 ms, 1.53 s, 1 min 5 s, 1 h 5 min.
std::string show_latency(double ms);

/// Prints a span of time in its two largest units: 35 min, 6 h 5 min, 3 d 2 h.
std::string show_span(Microseconds span);

/// Prints a KPI's value in its unit, "no data" where it has none.
std::string show_value(std::string_view name, const Kpi& kpi);

/// Prints a threshold in the unit of the KPI `name`.
std::string show_threshold(std::string_view name, double threshold);

/// Prints the 95 % interval, empty where there is none.
std::string show_interval(const Kpi& kpi);

/// Prints how `now` differs from `before`, with an arrow and a judgement: "▼ 3.1 pp, worse".
std::string show_change(std::string_view name, const Kpi& now, const Kpi* before);

/// Cuts text from logs to 80 characters.
std::string cut_text(const std::string& text);

}  // namespace dagloop
