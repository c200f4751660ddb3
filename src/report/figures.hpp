// Private to the report layer: figures as people read them, in pages, reasons and on terminals.
// Pure.
//
// One rule: a rate has one digit behind the point, two near 0 and 100 %, a latency three digits in
// the unit that fits it, a ratio three behind the point. A figure that would print as its limit has
// as many more as tell them apart; a limit is printed as it is configured.
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

/// Prints a count with its noun: "1 run", "12 runs".
std::string show_counted(std::uint64_t count, std::string_view singular);

/// Prints a fraction as a percentage: 95.2 %. Near both ends it keeps two decimals, so that what is
/// not 0 never prints as 0 % and what is not all never prints as 100 %.
///
/// Units: a fraction, 0.952.
std::string show_percent(double fraction);

/// Prints a latency: 0.43 ms, 290 ms, 1.53 s, 1 min 5 s, 1 h 5 min.
///
/// Units: milliseconds.
std::string show_latency(double ms);

/// Prints a span of time in its two largest units: 35 min, 6 h 5 min, 3 d 2 h.
///
/// Shape: not negative.
std::string show_span(Microseconds span);

/// Prints an instant to the minute, rounded down: 2026-02-25 06:00 UTC.
std::string show_time(TimePoint time);

/// Prints a number in the unit of the KPI `name`.
std::string show_number(std::string_view name, double value);

/// Prints a KPI's value in its unit, "no data" where it has none.
std::string show_value(std::string_view name, const Kpi& kpi);

/// Prints a figure called `name`, a KPI's or a rule's, as it stands in a sentence. Where it would
/// read as `limit`, but is not, it has more digits: 89.96 %.
std::string show_told(std::string_view name, double value,
                      std::optional<double> limit = std::nullopt);

/// Prints a limit of a figure called `name` as configured: 90 %, 2.5 s.
std::string show_limit(std::string_view name, double limit);

/// Prints a waiting time, rounded up: "35m", "16h", "12d". Units: seconds.
std::string show_waiting(double wait_s);

/// Prints odds: "1 in 253", "1 in 2.8", at most "1 in 1,000,000".
///
/// Shape: `times` is 1 or more; it is cut to three digits, never rounded up.
std::string show_odds(double times);

/// Prints how small the chance is that noise alone gives such an e-value: "below 1 in 253"; "not
/// small yet" where it is none.
///
/// Source: docs/decisions.md, "The e-value"; Ville's inequality: at most 1 / `e_value`.
std::string show_chance(double e_value);

/// Prints in words between what the difference of two failure rates lies, in percentage points:
/// "worse by 3.85 to 36.7 points". No sign that could be read the other way round.
std::string show_worse_by(double low_pp, double high_pp);

/// Prints the 95 % interval, empty where there is none.
std::string show_interval(const Kpi& kpi);

/// Prints how `now` differs from `before`, with an arrow and a judgement: "▼ 3.1 pp, worse", or
/// "▼ 0.3 pp, no clear change" where noise may explain it; empty where one of them has no value.
std::string show_change(std::string_view name, const Kpi& now, const Kpi* before);

}  // namespace dagloop
