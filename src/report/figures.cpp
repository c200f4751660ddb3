#include "report/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dagloop {
namespace {

bool is_latency(std::string_view name) { return name.ends_with("latency_ms"); }

bool is_spending(std::string_view name) {
  return name == "tokens_per_run" || name == "cost_per_run";
}

bool is_mean(std::string_view name) { return name == "attempts_per_node" || is_spending(name); }

bool is_rate(std::string_view name) {
  return name.ends_with("_rate") || name.starts_with("error_rate.");
}

constexpr int kFewestDigits = 4;  // more than a figure usually has
constexpr int kLimitDigits = 6;   // of a limit, as people configure it
constexpr int kMostDigits = 17;   // tell any two numbers apart

// A figure with so many significant digits, where the unit's own digits do not do.
std::string significant(std::string_view name, double value, int digits) {
  if (is_rate(name)) return fmt::format("{:.{}g} %", 100 * value, digits);
  if (!is_latency(name)) return fmt::format("{:.{}g}", value, digits);
  if (value < 1000) return fmt::format("{:.{}g} ms", value, digits);
  return fmt::format("{:.{}g} s", value / 1000, digits);
}

// Whether show_latency() leaves nothing of it out.
bool is_shown_whole(double ms) {
  if (ms < 1000) return ms == std::round(ms);
  const double unit_ms = ms < 60'000 ? 10 : ms < 3'600'000 ? 1000 : 60'000;
  return std::fmod(ms, unit_ms) == 0;
}

// 5 min, 6 h 5 min: the smaller unit only where it says something.
std::string two_units(std::int64_t large, const char* unit, std::int64_t small,
                      const char* small_unit) {
  if (small == 0) return fmt::format("{} {}", large, unit);
  return fmt::format("{} {} {} {}", large, unit, small, small_unit);
}

// A percentage without its sign.
std::string percent_digits(double percent) {
  const double to_end = std::min(percent, 100 - percent);
  // Near 0 and 100 % a digit more, for 99.95 % is not 100 %. And never 100 % where one run failed.
  if (to_end <= 0 || to_end >= 0.1) return fmt::format("{:.1f}", percent);
  if (to_end >= 0.01) return fmt::format("{:.2f}", percent);
  return percent < 50 ? "<0.01" : ">99.99";
}

// The size of a difference: percentage points for shares, percent of the value before otherwise.
// Empty where it is too small to be shown.
std::string show_difference(std::string_view name, double now, double before) {
  const double difference = std::abs(now - before);
  if (is_latency(name) || is_mean(name)) {
    // No percentage of nothing.
    if (before == 0) return show_number(name, difference);
    const double percent = 100 * difference / before;
    return percent < 0.5 ? "" : fmt::format("{:.0f} %", percent);
  }
  const double points = 100 * difference;
  if (points < 0.01) return "";
  return points < 0.1 ? fmt::format("{:.2f} pp", points) : fmt::format("{:.1f} pp", points);
}

// Whether noise may explain the change. Of two rates: where the interval of their difference, made
// of theirs (Newcombe 1998), holds zero. Of other figures, which have none: up to a twentieth.
bool may_be_noise(std::string_view name, const Kpi& now, const Kpi& before) {
  constexpr double kTwentieth = 0.05;
  const double difference = *now.value - *before.value;
  if (!now.ci95 || !before.ci95) {
    return !is_rate(name) && std::abs(difference) < kTwentieth * std::abs(*before.value);
  }
  const Kpi& upper = difference > 0 ? now : before;
  const Kpi& lower = difference > 0 ? before : now;
  return std::abs(difference) <=
         std::hypot(*upper.value - upper.ci95->low, lower.ci95->high - *lower.value);
}

// Three significant digits, towards zero, with thousands set apart.
std::string three_digits(double value) {
  double unit = 1;
  while (value / unit >= 1000) unit *= 10;
  return show_count(static_cast<std::uint64_t>(std::floor(value / unit) * unit));
}

std::string points_of(double points) { return fmt::format("{:.3g}", std::abs(points)); }

}  // namespace

std::string show_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string show_counted(std::uint64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", show_count(count), singular, count == 1 ? "" : "s");
}

std::string show_percent(double fraction) { return percent_digits(100 * fraction) + " %"; }

std::string show_latency(double ms) {
  // The limits are where rounding would print the next unit: 999.6 ms is 1.00 s, not 1000 ms.
  if (ms > 0 && ms < 0.01) return "<0.01 ms";
  if (ms > 0 && ms < 9.95) return fmt::format("{:.2g} ms", ms);
  if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
  if (ms < 59'995) return fmt::format("{:.2f} s", ms / 1000);
  const std::int64_t seconds = std::llround(ms / 1000);
  if (seconds < 3600) return two_units(seconds / 60, "min", seconds % 60, "s");
  return two_units(seconds / 3600, "h", seconds % 3600 / 60, "min");
}

std::string show_span(Microseconds span) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(span).count();
  const auto days = minutes / 1440;
  const auto hours = minutes / 60 % 24;
  const auto rest = minutes % 60;
  if (minutes == 0) return "less than a minute";
  if (days > 0) return two_units(days, "d", hours, "h");
  return hours > 0 ? two_units(hours, "h", rest, "min") : fmt::format("{} min", rest);
}

std::string show_time(TimePoint time) {
  const std::string text = format_time(std::chrono::floor<std::chrono::minutes>(time));
  return text.substr(0, 10) + " " + text.substr(11, 5) + " UTC";
}

std::string show_number(std::string_view name, double value) {
  if (is_latency(name)) return show_latency(value);
  if (is_spending(name)) return show_count(static_cast<std::uint64_t>(std::llround(value)));
  return is_mean(name) ? fmt::format("{:.3f}", value) : show_percent(value);
}

std::string show_value(std::string_view name, const Kpi& kpi) {
  return kpi.value ? show_number(name, *kpi.value) : "no data";
}

std::string show_limit(std::string_view name, double limit) {
  if (is_latency(name) && is_shown_whole(limit)) return show_latency(limit);
  return significant(name, limit, kLimitDigits);
}

std::string show_told(std::string_view name, double value, std::optional<double> limit) {
  const auto plain = [&](double number) {
    if (is_latency(name)) return show_latency(number);
    return is_rate(name) ? show_percent(number) : fmt::format("{:.3f}", number);
  };
  std::string text = plain(value);
  if (!limit || *limit == value || text != plain(*limit)) return text;
  for (int digits = kFewestDigits; digits < kMostDigits; ++digits) {
    std::string longer = significant(name, value, digits);
    if (longer != significant(name, *limit, digits)) return longer;
  }
  return significant(name, value, kMostDigits);
}

std::string show_waiting(double wait_s) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  // Rounded up: a wait that is told too short is the worse mistake.
  if (wait_s <= kHour) return fmt::format("{:.0f}m", std::ceil(wait_s / kMinute));
  if (wait_s > 365 * kDay) return "a year or more";
  if (wait_s <= 2 * kDay) return fmt::format("{:.0f}h", std::ceil(wait_s / kHour));
  return fmt::format("{:.0f}d", std::ceil(wait_s / kDay));
}

std::string show_odds(double times) {
  constexpr double kMost = 1e6;  // beyond it nobody can tell the difference
  if (times >= kMost) return "1 in 1,000,000";
  if (times >= 10) return "1 in " + three_digits(times);
  return fmt::format("1 in {:.2g}", std::floor(10 * times) / 10);
}

std::string show_chance(double e_value) {
  constexpr double kLeast = 2;
  return e_value < kLeast ? "not small yet" : "below " + show_odds(e_value);
}

std::string show_worse_by(double low_pp, double high_pp) {
  if (low_pp > 0)
    return fmt::format("worse by {} to {} points", points_of(low_pp), points_of(high_pp));
  if (high_pp < 0)
    return fmt::format("better by {} to {} points", points_of(high_pp), points_of(low_pp));
  return fmt::format("between {} points better and {} points worse, so no clear change",
                     points_of(low_pp), points_of(high_pp));
}

std::string show_interval(const Kpi& kpi) {
  if (!kpi.ci95) return "";
  return fmt::format("{} to {} %", percent_digits(100 * kpi.ci95->low),
                     percent_digits(100 * kpi.ci95->high));
}

std::string show_change(std::string_view name, const Kpi& now, const Kpi* before) {
  if (!now.value || before == nullptr || !before->value) return "";
  const std::string size = show_difference(name, *now.value, *before->value);
  if (size.empty() || *now.value == *before->value) return "same";
  const bool up = *now.value > *before->value;
  if (may_be_noise(name, now, *before)) {
    return std::string(up ? "▲ " : "▼ ") + size + ", no clear change";
  }
  const bool better = up == (better_direction(name) == Better::higher);
  return std::string(up ? "▲ " : "▼ ") + size + (better ? ", better" : ", worse");
}

}  // namespace dagloop
