// Reads single lines in tests, from a buffer of exactly the size that the reader's contract asks
// for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/record/record_reader.hpp"

namespace dagloop::test {

inline TimePoint at(std::string_view text) { return parse_time(text).value(); }

/// A record or an unread line, with the buffer and the reader that the record borrows from.
struct Reading {
  std::vector<char> buffer;
  std::unique_ptr<RecordReader> reader;
  ReadResult result;

  bool is_record() const { return std::holds_alternative<LogRecord>(result); }
  const LogRecord& record() const { return std::get<LogRecord>(result); }
  const UnreadLine& unread() const { return std::get<UnreadLine>(result); }
  RejectReason reason() const { return unread().reason; }
};

/// Reads `line` under `mapping`; the clock stands at the end of 2026-02-25.
inline Reading read_line(std::string_view line, const Mapping& mapping = {}) {
  Reading reading;
  reading.buffer.assign(line.begin(), line.end());
  reading.buffer.resize(line.size() + kLinePadding, '#');
  reading.reader = std::make_unique<RecordReader>(mapping, at("2026-02-26T00:00:00Z"));
  reading.result = reading.reader->read({reading.buffer.data(), line.size()});
  return reading;
}

/// Returns a valid run record's line with `members` (",\"key\":value" ...) at its end.
inline std::string run_line(std::string_view members = "") {
  return R"({"pipeline_run_id":"r1","created_at":"2026-02-25T06:00:00Z","status":"succeeded")" +
         std::string(members) + "}";
}

/// Returns the reason's word, or "record".
inline std::string outcome_of(std::string_view line, const Mapping& mapping = {}) {
  const Reading reading = read_line(line, mapping);
  return reading.is_record() ? "record" : std::string(to_string(reading.reason()));
}

}  // namespace dagloop::test
