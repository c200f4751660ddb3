#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "dagloop/record/record_reader.hpp"
#include "log_text.hpp"
#include "memory_rollup_store.hpp"
#include "source/file_scan.hpp"
#include "source/rollup_read.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

// One log file that grows, read with a store and without.
class TimedLog {
 public:
  TimedLog(unsigned threads, std::size_t chunk_bytes) {
    options_.rollup = store_;
    options_.threads = threads;
    limits_.chunk_bytes = chunk_bytes;
  }

  void append(const std::string& text) {
    std::ofstream(path_, std::ios::binary | std::ios::app) << text;
  }

  /// Reads both ways at an hour of the day, and compares.
  void read(unsigned hour) {
    LogQuery query = log_query();
    query.latest = query.range.start + std::chrono::hours(hour);
    query.range.end = query.latest;
    const auto found = read_with_rollup("log", {path_}, options_, query, limits_);
    const PartialSet expected = read_files({path_}, options_, query, limits_.chunk_bytes);
    REQUIRE(found);
    CHECK(found->input == expected.input);
    CHECK(found->partials == expected.partials);
  }

 private:
  TempFiles files_;
  std::string path_ = files_.write("a.jsonl", "");
  std::shared_ptr<MemoryRollupStore> store_ = std::make_shared<MemoryRollupStore>();
  SourceOptions options_;
  RollupLimits limits_;
};

std::string line_of(char kind, std::size_t run) {
  if (kind == 'p') return log_line(run, 3) + "\n";
  if (kind == 'f') return log_line(run, 8) + "\n";
  if (kind == 'g') return log_line(run, 14) + "\n";
  if (kind == 'u') return log_line(run, 4, ",\"status\":\"sideways\"") + "\n";
  if (kind == 'v') return log_line(run, 8, ",\"status\":\"sideways\"") + "\n";
  if (kind == 'b') return "{broken " + std::to_string(run) + "\n";
  if (kind == 'l') return std::string(kMaxLineBytes + 200000, 'x') + "\n";
  if (kind == 'h') return "{half";
  return "\n";
}

}  // namespace

TEST_CASE(
    "a line has the time of the record before it, also once that is from the future no more") {
  const auto log_of = [](const std::string& kinds, unsigned threads, std::size_t chunk_bytes) {
    CAPTURE(kinds, threads, chunk_bytes);
    TimedLog log(threads, chunk_bytes);
    unsigned hour = 5;
    std::size_t run = 0;
    for (const char kind : kinds) {
      if (kind == '|') {
        log.read(hour);
        hour += 5;
      } else {
        log.append(line_of(kind, ++run));
      }
    }
    for (; hour <= 20; hour += 5) log.read(hour);
  };
  for (const std::string kinds :
       {"pfb",  "pf|b",   "pfub",      "pf\nb",  "pf|u|b", "bfp",  "b|fp",      "fb|p",   "pfg|b|b",
        "pgfb", "pgb|fb", "b|u|f|b|p", "pf|pb",  "fb",     "f|b",  "bh",        "ph|b\n", "b|g|p",
        "pv",   "pvb",    "v|b|p",     "pv|f|b", "pfl",    "gl|l", "fffffuuuuu"}) {
    for (const std::size_t chunk_bytes : {std::size_t{40}, std::size_t{100}, std::size_t{5000}}) {
      log_of(kinds, 1, chunk_bytes);
      log_of(kinds, 3, chunk_bytes);
    }
  }
}

TEST_CASE(
    "what could not be read of a file that is gone counts no more, whatever its records are") {
  const TempFiles files;
  SourceOptions options;
  const auto store = std::make_shared<MemoryRollupStore>();
  options.rollup = store;
  LogQuery query = log_query();
  const std::string kept = files.write("a.jsonl", line_of('f', 1));
  const std::string gone = files.write("b.jsonl", line_of('p', 2) + line_of('u', 3));
  REQUIRE(read_with_rollup("log", {kept, gone}, options, query, {}));
  query.range.start += std::chrono::hours(4);  // behind the record of the one that goes
  const auto found = read_with_rollup("log", {kept}, options, query, {});
  REQUIRE(found);
  CHECK(*found == read_files({kept}, options, query, 5000));
}

}  // namespace dagloop::test
