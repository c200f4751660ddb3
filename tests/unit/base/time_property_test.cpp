// Times and durations against a slow, obvious twin: days counted one by one.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "dagloop/base/time.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in(int year, int month) {
  switch (month) {
    case 2:
      return is_leap(year) ? 29 : 28;
    case 4:
    case 6:
    case 9:
    case 11:
      return 30;
    default:
      return 31;
  }
}

std::string midnight(int year, int month, int day) {
  return fmt::format("{:04}-{:02}-{:02}T00:00:00Z", year, month, day);
}

}  // namespace

TEST_CASE("every day from 1970 to 2261 is read as counted, and no other day of its month") {
  TimePoint expected{};
  for (int year = 1970; year <= 2261; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= days_in(year, month); ++day) {
        const auto read = parse_time(midnight(year, month, day));
        if (read != expected) FAIL(midnight(year, month, day));
        expected += 24h;
      }
      REQUIRE_FALSE(parse_time(midnight(year, month, 0)));
      REQUIRE_FALSE(parse_time(midnight(year, month, days_in(year, month) + 1)));
    }
    REQUIRE_FALSE(parse_time(midnight(year, 0, 1)));
    REQUIRE_FALSE(parse_time(midnight(year, 13, 1)));
  }
}

TEST_CASE("a century is a leap year only when 400 divides it") {
  CHECK(parse_time("2000-02-29T00:00:00Z"));
  CHECK_FALSE(parse_time("2100-02-29T00:00:00Z"));
  CHECK_FALSE(parse_time("2200-02-29T00:00:00Z"));
}

TEST_CASE("an offset shifts the time by hours and minutes, across days, months and years") {
  CHECK(parse_time("2026-01-01T00:30:00+01:00") == parse_time("2025-12-31T23:30:00Z"));
  CHECK(parse_time("2024-02-28T23:30:00-01:00") == parse_time("2024-02-29T00:30:00Z"));
  CHECK(parse_time("2025-02-28T23:30:00-01:00") == parse_time("2025-03-01T00:30:00Z"));
  CHECK(parse_time("2026-02-25T06:00:00+05:45") == parse_time("2026-02-25T00:15:00Z"));
  CHECK(parse_time("2026-02-25T06:00:00-00:00") == parse_time("2026-02-25T06:00:00Z"));
  CHECK(parse_time("2026-02-25T06:00:00+23:59") == parse_time("2026-02-24T06:01:00Z"));
  for (const char* zone : {"+24:00", "+05:60", "+0545", "+05", "05:45", "UTC", "+05:45Z", "ZZ"}) {
    CAPTURE(zone);
    CHECK_FALSE(parse_time(std::string("2026-02-25T06:00:00") + zone));
  }
}

TEST_CASE("the years that are read are those of the instant in UTC") {
  CHECK(parse_time("1970-01-01T09:00:00+09:00") == TimePoint{});
  CHECK(parse_time("1969-12-31T23:00:00-01:00") == TimePoint{});
  CHECK_FALSE(parse_time("1970-01-01T08:59:59+09:00"));
  CHECK(parse_time("2262-01-01T00:59:59+01:00") == parse_time("2261-12-31T23:59:59Z"));
  CHECK_FALSE(parse_time("2261-12-31T23:00:00-01:00"));
  CHECK_FALSE(parse_time("0000-01-01T00:00:00Z"));
}

TEST_CASE("a fraction of any length is cut to microseconds, never rounded") {
  const std::string digits = "987654321987654321987654321";
  const TimePoint whole = *parse_time("2026-02-25T06:00:00Z");
  std::int64_t expected = 0;
  std::int64_t unit = 100'000;
  for (std::size_t length = 1; length <= digits.size(); ++length, unit /= 10) {
    expected += unit * (digits[length - 1] - '0');
    CAPTURE(length);
    CHECK(parse_time("2026-02-25T06:00:00." + digits.substr(0, length) + "Z") ==
          whole + Microseconds(expected));
  }
  CHECK(parse_time("2026-02-25T06:00:00.9999999Z") == whole + 999'999us);
  CHECK_FALSE(parse_time("2026-02-25T06:00:00,5Z"));
  CHECK_FALSE(parse_time("2026-02-25T06:00:00.5.5Z"));
}

TEST_CASE("a leap second counts as the second before it, its fraction stays") {
  CHECK(parse_time("2016-12-31T23:59:60Z") == parse_time("2016-12-31T23:59:59Z"));
  CHECK(parse_time("2016-12-31T23:59:60.5Z") == parse_time("2016-12-31T23:59:59.5Z"));
  CHECK(parse_time("2017-01-01T08:59:60+09:00") == parse_time("2016-12-31T23:59:59Z"));
}

TEST_CASE("no text with one character taken out or put in is read as another time") {
  const std::string text = "2026-02-25T06:07:08Z";
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    CHECK_FALSE(parse_time(text.substr(0, i) + text.substr(i + 1)));
    CHECK_FALSE(parse_time(text.substr(0, i) + "x" + text.substr(i)));
    CHECK_FALSE(parse_time(text.substr(0, i)));
  }
}

TEST_CASE("times print with microseconds, milliseconds or neither, and compactly without both") {
  const TimePoint whole = *parse_time("2026-02-05T06:07:08Z");
  CHECK(format_time(whole) == "2026-02-05T06:07:08Z");
  CHECK(format_time(whole + 20ms) == "2026-02-05T06:07:08.020Z");
  CHECK(format_time(whole + 20us) == "2026-02-05T06:07:08.000020Z");
  CHECK(format_time_compact(whole + 999'999us) == "20260205T060708Z");
}

TEST_CASE("every printed duration reads back as it was, in whole milliseconds") {
  test::Random random(72);
  for (const Microseconds unit : {Microseconds(1ms), Microseconds(1s), Microseconds(1min),
                                  Microseconds(1h), Microseconds(24h)}) {
    for (int round = 0; round < 500; ++round) {
      const Microseconds duration = unit * static_cast<std::int64_t>(random.below(30'000));
      CAPTURE(duration.count());
      REQUIRE(parse_duration(format_duration(duration)) == duration);
    }
  }
}

TEST_CASE("durations up to a hundred years are read, longer ones refused without overflow") {
  CHECK(parse_duration("36600d") == 24h * 36'600);
  CHECK_FALSE(parse_duration("36601d"));
  CHECK(parse_duration("5228w") == 24h * 7 * 5'228);
  CHECK_FALSE(parse_duration("5229w"));
  CHECK_FALSE(parse_duration("9223372036854775807ms"));
  CHECK_FALSE(parse_duration("9223372036854775808ms"));
  CHECK(parse_duration("007m") == 7min);
  for (const char* text : {"5M", "5 m", " 5m", "5m ", "5m5s", "5us", "0x5m", "5e1m", "m5", "ms"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("slots hold their times and follow one another, on both sides of the epoch") {
  test::Random random(73);
  for (int round = 0; round < 2000; ++round) {
    const auto shift = static_cast<std::int64_t>(random.below(2'000'000'000'000));
    const TimePoint time(Microseconds(shift - 1'000'000'000'000));
    const TimePoint floor = floor_to_slot(time);
    CAPTURE(time.time_since_epoch().count());
    REQUIRE(floor.time_since_epoch() % kSlot == 0us);
    REQUIRE(Window{floor, floor + kSlot}.contains(time));
    REQUIRE(ceil_to_slot(time) == (floor == time ? floor : floor + kSlot));
  }
}

}  // namespace dagloop
