#include "dagloop/base/time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace dagloop {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads exactly `count` digits at `at` and moves it; nullopt where they are not there.
std::optional<int> digits(std::string_view text, std::size_t& at, std::size_t count) {
  if (text.size() - at < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[at + i])) return std::nullopt;
    value = 10 * value + (text[at + i] - '0');
  }
  at += count;
  return value;
}

bool take(std::string_view text, std::size_t& at, std::string_view any_of) {
  if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

std::optional<std::chrono::sys_days> parse_date(std::string_view text, std::size_t& at) {
  const auto year = digits(text, at, 4);
  if (!year || !take(text, at, "-")) return std::nullopt;
  const auto month = digits(text, at, 2);
  if (!month || !take(text, at, "-")) return std::nullopt;
  const auto day = digits(text, at, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<Microseconds> parse_fraction(std::string_view text, std::size_t& at) {
  if (!take(text, at, ".")) return Microseconds(0);
  const std::size_t first = at;
  std::int64_t value = 0;
  std::int64_t unit = 1'000'000;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (unit == 1) continue;
    unit /= 10;
    value += unit * (text[at] - '0');
  }
  return at == first ? std::nullopt : std::optional(Microseconds(value));
}

std::optional<Microseconds> parse_clock(std::string_view text, std::size_t& at) {
  const auto hour = digits(text, at, 2);
  if (!hour || !take(text, at, ":")) return std::nullopt;
  const auto minute = digits(text, at, 2);
  if (!minute || !take(text, at, ":")) return std::nullopt;
  auto second = digits(text, at, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  if (*second == 60) second = 59;  // a leap second
  const auto fraction = parse_fraction(text, at);
  if (!fraction) return std::nullopt;
  return hours(*hour) + minutes(*minute) + seconds(*second) + *fraction;
}

std::optional<minutes> parse_zone(std::string_view text, std::size_t& at) {
  if (take(text, at, "Zz")) return minutes(0);
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
  const int sign = text[at++] == '-' ? -1 : 1;
  const auto hour = digits(text, at, 2);
  if (!hour || !take(text, at, ":")) return std::nullopt;
  const auto minute = digits(text, at, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  return minutes(sign * (60 * *hour + *minute));
}

constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits{{
    {"w", 7LL * 86'400'000'000},
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
}};

constexpr TimePoint kFirst{};  // 1970
constexpr TimePoint kPast = std::chrono::sys_days(std::chrono::year(2262) / 1 / 1);

// Reads digits of fixed places, without a branch a digit.
class FixedDigits {
 public:
  explicit FixedDigits(std::string_view text) : text_(text) {}

  unsigned number(std::size_t at, std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
      const unsigned digit = static_cast<unsigned char>(text_[i]) - unsigned{'0'};
      is_valid_ = is_valid_ && digit <= 9;
      value = 10 * value + digit;
    }
    return value;
  }
  bool is_valid() const { return is_valid_; }

 private:
  std::string_view text_;
  bool is_valid_ = true;
};

// "2026-02-25T06:00:00Z", also with milliseconds: what nearly every log has, read quickly. Anything
// else, and any time that is none, is left to the general way.
std::optional<TimePoint> parse_usual(std::string_view text) {
  const bool has_ms = text.size() == 24;
  if ((!has_ms && text.size() != 20) || text.back() != 'Z' || text[10] != 'T') return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (has_ms && text[19] != '.') return std::nullopt;
  FixedDigits digits(text);
  const unsigned year = digits.number(0, 4);
  const unsigned month = digits.number(5, 2);
  const unsigned day = digits.number(8, 2);
  const unsigned hour = digits.number(11, 2);
  const unsigned minute = digits.number(14, 2);
  const unsigned second = digits.number(17, 2);
  const unsigned ms = has_ms ? digits.number(20, 3) : 0;
  // Every month has 28 days; the others are looked at closely elsewhere.
  const bool is_usual = year >= 1970 && year < 2262 && month >= 1 && month <= 12 && day >= 1 &&
                        day <= 28 && hour < 24 && minute < 60 && second < 60;
  if (!digits.is_valid() || !is_usual) return std::nullopt;
  const std::chrono::sys_days date = std::chrono::year_month_day(
      std::chrono::year(static_cast<int>(year)), std::chrono::month(month), std::chrono::day(day));
  return TimePoint(date) + hours(hour) + minutes(minute) + seconds(second) +
         std::chrono::milliseconds(ms);
}

constexpr std::int64_t kMaxDurationUs = 100LL * 366 * 86'400'000'000;

}  // namespace

std::optional<TimePoint> parse_time(std::string_view text) {
  if (const auto usual = parse_usual(text)) return usual;
  std::size_t at = 0;
  const auto date = parse_date(text, at);
  if (!date || !take(text, at, "Tt ")) return std::nullopt;
  const auto clock = parse_clock(text, at);
  if (!clock) return std::nullopt;
  const auto zone = parse_zone(text, at);
  if (!zone || at != text.size()) return std::nullopt;
  const TimePoint time = TimePoint(*date) + *clock - *zone;
  return time < kFirst || time >= kPast ? std::nullopt : std::optional(time);
}

std::string format_time(TimePoint t) {
  const auto whole = std::chrono::floor<seconds>(t);
  const auto rest = (t - whole).count();
  const auto day = std::chrono::floor<days>(whole);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(whole - day);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (rest % 1000 != 0) {
    text += fmt::format(".{:06}", rest);
  } else if (rest != 0) {
    text += fmt::format(".{:03}", rest / 1000);
  }
  return text + "Z";
}

std::string format_time_compact(TimePoint t) {
  std::string text = format_time(std::chrono::floor<seconds>(t));
  std::erase(text, '-');
  std::erase(text, ':');
  return text;
}

std::optional<Microseconds> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || text.empty() || !is_digit(text.front())) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  for (const auto& [name, size] : kUnits) {
    if (unit != name) continue;
    if (count > kMaxDurationUs / size) return std::nullopt;
    return Microseconds(count * size);
  }
  return std::nullopt;
}

std::string format_duration(Microseconds d) {
  if (d.count() == 0) return "0s";
  for (const auto& [name, size] : kUnits) {
    // Weeks are for reading in, not for printing: nobody says 13w for 91d.
    if (name != "w" && d.count() % size == 0) return fmt::format("{}{}", d.count() / size, name);
  }
  return fmt::format("{}us", d.count());
}

TimePoint floor_to_slot(TimePoint t) {
  return TimePoint(std::chrono::floor<std::chrono::duration<std::int64_t, std::ratio<300>>>(
      t.time_since_epoch()));
}

TimePoint ceil_to_slot(TimePoint t) {
  const TimePoint floored = floor_to_slot(t);
  return floored == t ? t : floored + kSlot;
}

}  // namespace dagloop
