#include "dagloop/base/time.hpp"

#include <catch2/catch.hpp>

#include "rollout_generator.hpp"

namespace dagloop {

TEST_CASE("RFC 3339 times are read, offsets converted, fractions cut to microseconds") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"2026-02-25T06:00:00Z", "2026-02-25T06:00:00Z"},
      {"2026-02-25t06:00:00z", "2026-02-25T06:00:00Z"},
      {"2026-02-25 06:00:00Z", "2026-02-25T06:00:00Z"},
      {"2026-02-25T06:00:00.5Z", "2026-02-25T06:00:00.500Z"},
      {"2026-02-25T06:00:00.1234567Z", "2026-02-25T06:00:00.123456Z"},
      {"2026-02-25T06:00:00+09:00", "2026-02-24T21:00:00Z"},
      {"2026-02-25T06:00:00-00:30", "2026-02-25T06:30:00Z"},
      {"2024-02-29T23:59:60Z", "2024-02-29T23:59:59Z"},
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"}};
  for (const auto& [text, printed] : cases) {
    CAPTURE(text);
    REQUIRE(parse_time(text));
    CHECK(format_time(*parse_time(text)) == printed);
  }
}

TEST_CASE("what is no RFC 3339 time with a zone is refused") {
  for (const char* text :
       {"", "2026-02-25", "2026-02-25T06:00:00", "2026-02-30T06:00:00Z", "2025-02-29T06:00:00Z",
        "2026-13-01T06:00:00Z", "2026-02-25T24:00:00Z", "2026-02-25T06:60:00Z",
        "2026-02-25T06:00:61Z", "2026-02-25T06:00Z", "2026-02-25T06:00:00.Z",
        "2026-02-25T06:00:00Z ", " 2026-02-25T06:00:00Z", "2026-02-25T06:00:00+9:00",
        "2026-2-25T06:00:00Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "now"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("every printed time reads back as it was") {
  test::Random random(51);
  for (int i = 0; i < 5000; ++i) {
    const TimePoint time(Microseconds(random.below(9'000'000'000'000'000)));
    REQUIRE(parse_time(format_time(time)) == time);
  }
}

TEST_CASE("durations are a number and a unit, and print in the largest unit that divides them") {
  using namespace std::chrono_literals;
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("90m") == 90min);
  CHECK(parse_duration("1d") == 24h);
  CHECK(parse_duration("2w") == 24h * 14);
  CHECK(parse_duration("0s") == 0s);
  for (const char* text :
       {"", "1", "d", "-1d", "1.5h", "1 d", "1y", "99999999999999999999d", "1000000d", "+1d"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
  CHECK(format_duration(24h) == "1d");
  CHECK(format_duration(90min) == "90m");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(0s) == "0s");
}

TEST_CASE("slots begin every five minutes, also before the epoch's hour") {
  const TimePoint time = *parse_time("2026-02-25T06:07:08.9Z");
  CHECK(format_time(floor_to_slot(time)) == "2026-02-25T06:05:00Z");
  CHECK(format_time(ceil_to_slot(time)) == "2026-02-25T06:10:00Z");
  CHECK(ceil_to_slot(floor_to_slot(time)) == floor_to_slot(time));
  CHECK(floor_to_slot(TimePoint(Microseconds(-1))) == TimePoint(-kSlot));
  CHECK(format_time_compact(time) == "20260225T060708Z");
}

TEST_CASE("a window holds its start and not its end") {
  const Window window{TimePoint(Microseconds(10)), TimePoint(Microseconds(20))};
  CHECK(window.contains(window.start));
  CHECK_FALSE(window.contains(window.end));
  CHECK(window.length() == Microseconds(10));
}

}  // namespace dagloop
