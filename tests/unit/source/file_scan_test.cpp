#include "source/file_scan.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "log_text.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

PartialSet read(const std::vector<std::string>& paths, unsigned threads, std::size_t chunk_bytes) {
  SourceOptions options;
  options.threads = threads;
  return read_files(paths, options, log_query(), chunk_bytes);
}

bool is_blank_line(const std::string& line) {
  return line.find_first_not_of(" \t") == std::string::npos;
}

std::string padded(const std::string& line) { return line + std::string(kLinePadding, ' '); }

// The time of the readable record before a line, else of that behind it.
std::optional<TimePoint> near_time(const std::vector<std::optional<TimePoint>>& times,
                                   std::size_t line) {
  for (std::size_t i = line; i > 0; --i) {
    if (times[i - 1]) return times[i - 1];
  }
  for (std::size_t i = line; i < times.size(); ++i) {
    if (times[i]) return times[i];
  }
  return std::nullopt;
}

// The slow twin: one reader, one table, one line at a time.
PartialSet twin(const std::string& path, const std::vector<std::string>& lines) {
  RecordReader reader({}, log_query().latest);
  std::vector<std::optional<TimePoint>> times(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string text = padded(lines[i]);
    const auto& result = reader.read({text.data(), lines[i].size()});
    if (const auto* record = std::get_if<LogRecord>(&result)) times[i] = record->created_at;
  }
  RunTableOptions options;
  options.range = log_query().range;
  RunTable table(options);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_blank_line(lines[i])) continue;
    const std::string text = padded(lines[i]);
    const auto& result = reader.read({text.data(), lines[i].size()});
    if (const auto* record = std::get_if<LogRecord>(&result)) {
      table.add(*record, lines[i]);
      for (std::size_t f = 0; f < kFieldCount; ++f) {
        const auto field = static_cast<Field>(f);
        if ((record->mended & field_bits(field)) == 0) continue;
        const ReadFault fault = reader.mended_fault(field);
        table.show_mended({path, i + 1, field, fault.found, std::string(fault.wanted)});
      }
    } else {
      UnreadLine unread = std::get<UnreadLine>(result);
      if (!unread.created_at) unread.created_at = near_time(times, i);
      // A line that shows no run may hide one of its own, whatever other lines read alike.
      const std::string own = "line " + std::to_string(i);
      if (unread.run_key.empty()) unread.run_key = own;
      table.reject(path, i + 1, unread, lines[i]);
    }
  }
  return table.finish();
}

TEST_CASE("any chunk size and number of threads give the partials of a line-by-line read") {
  const TempFiles files;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto lines = log_lines(400, seed);
    const std::string path = files.write("a.jsonl", joined(lines));
    const PartialSet expected = twin(path, lines);
    REQUIRE(expected.input.malformed > 10);
    REQUIRE(expected.input.duplicates > 10);
    for (const std::size_t chunk_bytes : {1U, 100U, 1000U, 1000000U}) {
      for (const unsigned threads : {1U, 2U, 7U}) {
        REQUIRE(read({path}, threads, chunk_bytes) == expected);
      }
    }
  }
}

TEST_CASE("a line too long to be held shows the same in chunks of any size, packed or not") {
  const TempFiles files;
  const std::string tail(kMaxLineBytes, 'x');
  const std::string text = joined({log_line(1, 3), log_line(2, 4, ",\"x\":\"" + tail), tail + "y",
                                   tail + "z", log_line(3, 5), tail + std::string(200000, 'y')});
  const std::string path = files.write("a.jsonl", text);
  const PartialSet expected = read({path}, 1, 5'000'000);
  CHECK(expected.input.malformed_by_reason.at(RejectReason::line_too_long) == 4);
  for (const std::size_t chunk_bytes : {1000U, 4096U, 2'000'000U}) {
    CHECK(read({path}, 2, chunk_bytes) == expected);
    CHECK(read({files.write("a.jsonl", gzip(text))}, 2, chunk_bytes) == expected);
    files.write("a.jsonl", text);
  }
}

TEST_CASE("plain, gzip and zstd give the same partials") {
  const TempFiles files;
  const auto lines = log_lines(2000, 11);
  const std::string text = joined(lines);
  // One name for all: it stands in the examples.
  const PartialSet plain = read({files.write("a", text)}, 1, 4096);
  const std::size_t half = text.size() / 2;
  const std::string members = gzip(text.substr(0, half)) + gzip(text.substr(half));
  const std::string frames = zstd(text.substr(0, half)) + zstd(text.substr(half));
  for (const std::string& packed : {gzip(text), zstd(text), members, frames}) {
    for (const unsigned threads : {1U, 3U}) {
      CHECK(read({files.write("a", packed)}, threads, 4096) == plain);
    }
  }
}

TEST_CASE("a log split into files at any lines, in any order, has the same partials") {
  const TempFiles files;
  auto lines = log_lines(900, 12);
  // A line without a time has that of its neighbour, and gets another one where files are split.
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("{broken"); });
  const std::string whole = files.write("whole", joined(lines));
  PartialSet expected = read({whole}, 1, kChunkBytes);
  expected.input.examples.clear();  // they name other files
  expected.input.mended_examples.clear();
  std::mt19937_64 random(5);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::vector<std::string>> parts(1 + random() % 6);
    for (const std::string& line : lines) parts[random() % parts.size()].push_back(line);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::string text = joined(parts[i]);
      if (i % 3 == 1) text = gzip(text);
      if (i % 3 == 2) text = zstd(text);
      paths.push_back(files.write("part" + std::to_string(i), text));
    }
    const PartialSet once = read(paths, 1, 500);
    for (const unsigned threads : {2U, 5U}) REQUIRE(read(paths, threads, 500) == once);
    PartialSet split = once;
    split.input.examples.clear();
    split.input.mended_examples.clear();
    REQUIRE(split == expected);
  }
}

TEST_CASE("of several broken files the first is named, whatever the number of threads") {
  const TempFiles files;
  std::vector<std::string> paths;
  for (int i = 0; i < 6; ++i) {
    const std::string text = joined(log_lines(500, static_cast<std::uint64_t>(i)));
    const std::string packed = gzip(text);
    const std::string name = "f" + std::to_string(i) + ".gz";
    paths.push_back(files.write(name, i < 3 ? packed : packed.substr(0, packed.size() - 9)));
  }
  paths.push_back(files.path("missing"));
  for (int round = 0; round < 6; ++round) {
    for (const unsigned threads : {1U, 2U, 4U}) {
      try {
        read(paths, threads, 1000);
        FAIL("no error");
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::source);
        CHECK(std::string(error.what()).find("f3.gz") != std::string::npos);
      }
    }
  }
}

TEST_CASE("progress tells the bytes read so far and ends at the size of the files") {
  const TempFiles files;
  const std::string text = joined(log_lines(3000, 14));
  const std::string packed = gzip(text);
  std::atomic<std::uint64_t> most{0};
  std::atomic<int> calls{0};
  SourceOptions options;
  options.threads = 3;
  options.progress = [&](const ReadProgress& progress) {
    const std::uint64_t bytes = progress.bytes_read;
    ++calls;
    std::uint64_t seen = most;
    while (bytes > seen && !most.compare_exchange_weak(seen, bytes)) {
    }
  };
  read_files({files.write("a", text), files.write("b.gz", packed)}, options, log_query(), 5000);
  CHECK(most == text.size() + packed.size());
  CHECK(calls > 20);
}

TEST_CASE("an exception of the progress callback reaches the caller") {
  const TempFiles files;
  SourceOptions options;
  options.progress = [](const ReadProgress&) { throw std::runtime_error("stop"); };
  const std::string path = files.write("a", joined(log_lines(100, 15)));
  for (const unsigned threads : {1U, 3U}) {
    options.threads = threads;
    CHECK_THROWS_AS(read_files({path}, options, log_query(), 100), std::runtime_error);
  }
}

}  // namespace
}  // namespace dagloop::test
