#include "dagloop/base/time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "dagloop/base/ascii.hpp"

namespace dagloop {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Reads exactly `count` digits at `at` and moves it; nullopt where they are not there.
std::optional<int> digits(std::string_view text, std::size_t& at, std::size_t count) {
  if (text.size() - at < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_ascii_digit(text[at + i])) return std::nullopt;
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
  for (; at < text.size() && is_ascii_digit(text[at]); ++at) {
    // Digits beyond microseconds are read and dropped, not refused: Go and Java print nanoseconds.
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

// The days from 1970 to the first of every month up to 2261.
constexpr auto kMonthStarts = [] {
  std::array<std::int32_t, std::size_t{12} * (2262 - 1970)> starts{};
  std::int32_t day = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    starts[i] = day;
    const std::chrono::year year(1970 + static_cast<int>(i / 12));
    const std::chrono::month month(static_cast<unsigned>(i % 12 + 1));
    day += static_cast<std::int32_t>(unsigned{(year / month / std::chrono::last).day()});
  }
  return starts;
}();

// 8 characters of fixed places, all read at once: which are digits, and what numbers of two digits
// they make.
class FixedPlaces {
 public:
  // Shape: in `pattern` a 0 stands for a digit, anything else for itself.
  FixedPlaces(const char* text, const char (&pattern)[9]) {
    std::uint64_t zeros = 0;
    std::uint64_t others = 0;
    std::memcpy(&digits_, text, sizeof digits_);
    std::memcpy(&zeros, pattern, sizeof zeros);
    for (unsigned i = 0; i < 8; ++i) {
      if (pattern[i] != '0') others |= std::uint64_t{0xff} << (8 * i);
    }
    digits_ ^= zeros;
    // A digit xor '0' is 0 to 9. Adding 0x76 carries anything from 10 to 127 into the high bit, and
    // what is above has that bit already. No carry leaves its byte.
    const std::uint64_t above_nine = ((digits_ + 0x7676767676767676ULL) | digits_) & kHighBits;
    is_valid_ = (above_nine | (digits_ & others)) == 0;
    pairs_ = digits_ * 10 + (digits_ >> 8U);
  }

  bool is_valid() const { return is_valid_; }
  unsigned digit(unsigned at) const { return static_cast<unsigned>(digits_ >> (8 * at) & 0xffU); }
  unsigned pair(unsigned at) const { return static_cast<unsigned>(pairs_ >> (8 * at) & 0xffU); }

 private:
  static constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
  std::uint64_t digits_ = 0;
  std::uint64_t pairs_ = 0;
  bool is_valid_ = false;
};

// "2026-02-25T06:00:00Z", also with milliseconds: what nearly every log has, read quickly. Anything
// else, and any time that is none, is left to the general way.
std::optional<TimePoint> parse_usual(std::string_view text) {
  if constexpr (std::endian::native != std::endian::little) return std::nullopt;
  const bool has_ms = text.size() == 24;
  if (!has_ms && text.size() != 20) return std::nullopt;
  const char* const at = text.data();
  const FixedPlaces month_part(at, "0000-00-");
  const FixedPlaces minute_part(at + 8, "00T00:00");
  const FixedPlaces end_part =
      has_ms ? FixedPlaces(at + 16, ":00.000Z") : FixedPlaces(at + 12, "0:00:00Z");
  const unsigned year = 100 * month_part.pair(0) + month_part.pair(2);
  const unsigned month = month_part.pair(5);
  const unsigned day = minute_part.pair(0);
  const unsigned hour = minute_part.pair(3);
  const unsigned minute = minute_part.pair(6);
  const unsigned second = end_part.pair(has_ms ? 1 : 5);
  const unsigned ms = has_ms ? 10 * end_part.pair(4) + end_part.digit(6) : 0;
  // Every month has 28 days; the others are looked at closely elsewhere.
  const bool is_usual = month_part.is_valid() && minute_part.is_valid() && end_part.is_valid() &&
                        year >= 1970 && year < 2262 && month >= 1 && month <= 12 && day >= 1 &&
                        day <= 28 && hour < 24 && minute < 60 && second < 60;
  if (!is_usual) return std::nullopt;
  const std::int64_t days_before = kMonthStarts[12 * (year - 1970) + month - 1];
  const std::int64_t seconds_before = 86'400 * (days_before + day - 1) + std::int64_t{3600} * hour +
                                      std::int64_t{60} * minute + second;
  return TimePoint(Microseconds(1'000'000 * seconds_before + std::int64_t{1000} * ms));
}

// 100 years. Sums of a time and a duration stay far inside an int64 of microseconds.
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
  // Only times that nanosecond clocks, SQL and JSON readers can hold, too.
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
  if (error != std::errc() || text.empty() || !is_ascii_digit(text.front())) return std::nullopt;
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
