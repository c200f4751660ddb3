#include "dagloop/cycle/last_record.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "../../support/scripted_source.hpp"
#include "../../support/temp_directory.hpp"
#include "evaluation_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

std::string run_line(TimePoint at) {
  return "{\"pipeline_run_id\":\"r" + format_time(at) + "\",\"status\":\"succeeded\"," +
         "\"created_at\":\"" + format_time(at) + "\"}\n";
}

}  // namespace

TEST_CASE("the last record is found however long ago the log ended") {
  const TimePoint now = kAsOf;
  for (const auto age : {hours(0), hours(5), hours(24 * 20), hours(24 * 300), hours(24 * 9000)}) {
    ScriptedSource source;
    const TimePoint slot = floor_to_slot(now - age);
    source.add(slot - hours(24 * 30), make_runs(1, 1));
    source.add(slot, make_runs(1, 1));
    const LastRecord last = find_last_record(source, now + minutes(5));
    REQUIRE(last.created_at);
    CHECK(*last.created_at == slot + minutes(4));
    CHECK(source.queries().front().latest == now + minutes(5));
  }
}

TEST_CASE("of a log without a record no last one is found, and it is said what was read") {
  ScriptedSource source;
  source.set_malformed(3);
  const LastRecord last = find_last_record(source, kAsOf);
  CHECK_FALSE(last.created_at);
  CHECK(last.read.malformed == 3);
}

TEST_CASE(
    "the instant after the last record is that of the newest of all files, to the microsecond") {
  const TempDirectory directory;
  std::ofstream(directory.path("a.jsonl"))
      << run_line(kAsOf - hours(30)) << run_line(kAsOf - hours(2) + Microseconds(7));
  std::ofstream(directory.path("b.jsonl")) << run_line(kAsOf - hours(3)) << "{\"torn\n"
                                           << run_line(kAsOf + hours(24));  // of the future
  Config config;
  config.input.sources = {directory.path()};
  PosixFileSystem files;
  const FixedClock clock{kAsOf};
  CHECK(just_after_last_record(files, config, clock) == kAsOf - hours(2) + Microseconds(8));
}

TEST_CASE("a log ends with its last line that shows a time, read or not") {
  const TempDirectory directory;
  const std::string unread = ",\"status\":\"sideways\",\"created_at\":\"";
  std::ofstream(directory.path("a.jsonl"))
      << run_line(kAsOf - hours(30)) << "{\"pipeline_run_id\":\"x\"" << unread
      << format_time(kAsOf - hours(1)) << "\"}\n"
      << "{\"pipeline_run_id\":\"y\"" << unread << "2250-01-01T00:00:00Z\"}\n{\"torn\n";
  Config config;
  config.input.sources = {directory.path()};
  PosixFileSystem files;
  const FixedClock clock{kAsOf};
  CHECK(just_after_last_record(files, config, clock) == kAsOf - hours(1) + Microseconds(1));
}

TEST_CASE("a log of which nothing can be read has no instant after its last record") {
  const TempDirectory directory;
  std::ofstream(directory.path("a.jsonl")) << "{}\n";
  Config config;
  config.input.sources = {directory.path()};
  PosixFileSystem files;
  const FixedClock clock{kAsOf};
  CHECK_THROWS_WITH(
      just_after_last_record(files, config, clock),
      Catch::Matchers::Contains("--as-of last") && Catch::Matchers::Contains("malformed: 1 of 1"));
}
