// Generated logs for the tests of reading: runs, node records, duplicates and malformed lines.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop::test {

/// The range that generated logs lie in, mostly; the clock stands at its end.
inline LogQuery log_query() {
  const TimePoint start = parse_time("2026-02-25T00:00:00Z").value();
  const TimePoint end = parse_time("2026-02-26T00:00:00Z").value();
  return {{start, end}, end};
}

/// Returns one line: a record of run `run` in the hour `hour` of the day.
inline std::string log_line(std::size_t run, std::size_t hour, const std::string& members = "") {
  const std::string hh = (hour < 10 ? "0" : "") + std::to_string(hour);
  return "{\"pipeline_run_id\":\"r" + std::to_string(run) + "\",\"created_at\":\"2026-02-25T" + hh +
         ":00:00Z\",\"status\":\"succeeded\"" + members + "}";
}

/// Returns `count` lines without newlines, the same for the same seed.
inline std::vector<std::string> log_lines(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t run = random() % (count / 2 + 1);
    const std::size_t hour = random() % 24;
    const std::string ms = ",\"duration_ms\":" + std::to_string(random() % 5000);
    switch (random() % 12) {
      case 0:
        lines.emplace_back("{broken");
        break;
      case 1:
        lines.push_back(log_line(run, hour, ",\"attempt\":0"));
        break;
      case 2:
        lines.emplace_back(random() % 2 == 0 ? "" : " \t ");
        break;
      case 3:
        lines.push_back(log_line(run, hour, ms + ",\"status\":\"failed\",\"error_code\":\"E\""));
        break;
      case 4:
        lines.push_back(log_line(run, hour, ",\"created_at\":\"2026-02-24T12:00:00Z\""));
        break;
      case 5:
      case 6:
      case 7:
        lines.push_back(log_line(run, hour, ms + ",\"node_id\":\"n1\",\"attempt\":2"));
        break;
      default:
        lines.push_back(log_line(run, hour, ms + ",\"x\":\"" + std::string(run % 90, 'x') + "\""));
    }
  }
  return lines;
}

/// Returns `lines` with a newline behind each.
inline std::string joined(const std::vector<std::string>& lines,
                          const std::string& newline = "\n") {
  std::string text;
  for (const std::string& line : lines) text += line + newline;
  return text;
}

}  // namespace dagloop::test
