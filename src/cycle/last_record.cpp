#include "dagloop/cycle/last_record.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "dagloop/base/error.hpp"
#include "dagloop/base/standard_input.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/report/page.hpp"

namespace dagloop {
namespace {

// How far back a database is searched, ever further; what is older than the last lies in the rest.
constexpr std::array<std::chrono::hours, 4> kReaches{std::chrono::hours(1), std::chrono::hours(24),
                                                     std::chrono::hours(24 * 30),
                                                     std::chrono::hours(24 * 365)};

LastRecord read_back_to(LogSource& source, TimePoint start, TimePoint latest) {
  const Window range{start, ceil_to_slot(latest + Microseconds{1})};
  PartialSet found = source.read(LogQuery{range, latest, {range.start, range.end}});
  LastRecord last{found.input.newest_record, std::move(found.input)};
  // What came last may be what could not be read: it is not left out for that. Where nothing at all
  // can be read, no line says when the log ends.
  if (last.created_at) keep_latest(last.read.newest_unread, last.created_at);
  return last;
}

std::string what_was_read(const InputCounts& read) {
  if (read.malformed == 0) return "the log holds no record";
  const std::string text =
      "no record of the log can be read (malformed: " + std::to_string(read.malformed) + " of " +
      std::to_string(read.records) + ")";
  return read.examples.empty() ? text : text + ", " + example_text(read.examples.front());
}

}  // namespace

LastRecord find_last_record(LogSource& source, TimePoint latest) {
  for (const auto reach : kReaches) {
    LastRecord found = read_back_to(source, floor_to_slot(latest - reach), latest);
    if (found.created_at) return found;
  }
  return read_back_to(source, TimePoint{}, latest);
}

TimePoint just_after_last_record(FileSystem& files, const Config& config, const Clock& clock) {
  const auto& sources = config.input.sources;
  if (std::find(sources.begin(), sources.end(), "-") != sources.end()) keep_standard_input();
  Config unkept = config;
  unkept.input.rollup.clear();  // holds what windows need, not what this search reads
  const auto source = configured_source(files, unkept);
  const LastRecord last = find_last_record(*source, clock.now() + config.input.future_skew);
  if (last.created_at) return *last.created_at + Microseconds{1};
  throw Error(ErrorKind::source, "--as-of last: " + source->describe(), what_was_read(last.read),
              "check the source, or give a time");
}

}  // namespace dagloop
