// Points in time, durations and windows: parsing, printing, rounding. All times are UTC.
// Pure and thread-safe: nothing here reads a clock.
#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace dagloop {

using Microseconds = std::chrono::microseconds;
/// A UTC instant with microsecond resolution.
using TimePoint = std::chrono::sys_time<Microseconds>;

/// Length of the slots that KPI partials are kept in.
inline constexpr std::chrono::minutes kSlot{5};

/// A half-open interval of time, [start, end).
struct Window {
  TimePoint start;
  TimePoint end;

  /// Returns whether `t` lies in [start, end).
  bool contains(TimePoint t) const { return start <= t && t < end; }
  /// Returns end - start.
  Microseconds length() const { return end - start; }
  auto operator<=>(const Window&) const = default;
};

/// Parses an RFC 3339 timestamp ("2026-02-25T06:00:00.5Z", or with an offset, which is converted).
///
/// Shape:  years 1970 to 2261; fractions beyond microseconds are cut; a leap second 60 counts as
///         59;
///         a space or lower-case t/z is accepted as RFC 3339 allows.
/// Errors: nullopt for anything else, a missing zone included (which zone would be a guess).
/// Source: RFC 3339, section 5.6.
std::optional<TimePoint> parse_time(std::string_view text);

/// Prints `t` as "2026-02-25T06:00:00Z", with ".ffffff" shortened to milliseconds or dropped when
/// 0.
std::string format_time(TimePoint t);

/// Prints `t` for a file name: "20260225T060000Z".
std::string format_time_compact(TimePoint t);

/// Parses a duration: a whole number and one of ms, s, m, h, d, w ("90d", "6h", "250ms").
///
/// Errors: nullopt for anything else, a negative or overflowing (> 100 years) one included.
std::optional<Microseconds> parse_duration(std::string_view text);

/// Prints a duration in the largest unit that divides it ("1d", "90m", "250ms", "0s").
std::string format_duration(Microseconds d);

/// Returns the start of the 5-minute slot that holds `t` (rounded towards the past).
TimePoint floor_to_slot(TimePoint t);

/// Returns the first slot start at or after `t`.
TimePoint ceil_to_slot(TimePoint t);

}  // namespace dagloop
