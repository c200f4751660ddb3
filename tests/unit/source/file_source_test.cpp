#include "dagloop/source/file_source.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "dagloop/base/error.hpp"
#include "log_text.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

InputCounts counts_of(const std::string& path, unsigned threads = 2) {
  SourceOptions options;
  options.threads = threads;
  return FileSource({path}, options).read(log_query()).input;
}

TEST_CASE("an empty file gives an empty partial set") {
  const TempFiles files;
  const std::string empty = files.write("a.jsonl", "");
  CHECK(FileSource({empty}, {}).read(log_query()) == PartialSet{});
  CHECK(FileSource({files.write("b.gz", gzip(""))}, {}).read(log_query()) == PartialSet{});
  CHECK(FileSource({files.write("c.jsonl", "\n\r\n \t\n")}, {}).read(log_query()) == PartialSet{});
}

TEST_CASE("the last line counts without a newline") {
  const TempFiles files;
  const InputCounts counts = counts_of(files.write("a", log_line(1, 3) + "\n" + log_line(2, 3)));
  CHECK(counts.records == 2);
  CHECK(counts.malformed == 0);
}

TEST_CASE("a byte order mark and carriage returns change nothing") {
  const TempFiles files;
  const auto lines = log_lines(200, 4);
  const PartialSet plain = FileSource({files.write("a", joined(lines))}, {}).read(log_query());
  const std::string dos = "\xef\xbb\xbf" + joined(lines, "\r\n");
  CHECK(FileSource({files.write("a", dos)}, {}).read(log_query()) == plain);
  CHECK(FileSource({files.write("a", gzip(dos))}, {}).read(log_query()) == plain);
}

TEST_CASE("malformed lines are counted by reason and shown with file and line") {
  const TempFiles files;
  const std::string path = files.write(
      "a.jsonl", log_line(1, 3) + "\n{broken\n\n" + log_line(2, 3, ",\"cohort\":\"x\"") + "\n" +
                     std::string(3 << 20, 'x') + "\n" + log_line(3, 3) + "\n{\n");
  const InputCounts counts = counts_of(path);
  CHECK(counts.records == 6);
  CHECK(counts.malformed == 3);
  CHECK(counts.malformed_by_reason ==
        std::map<RejectReason, std::uint64_t>{{RejectReason::not_json_object, 2},
                                              {RejectReason::line_too_long, 1}});
  REQUIRE(counts.examples.size() == 3);
  CHECK(counts.examples[0].file == path);
  CHECK(counts.examples[0].line == 2);
  CHECK(counts.examples[0].reason == RejectReason::not_json_object);
  CHECK_FALSE(counts.examples[0].found.empty());
  CHECK(counts.examples[1].line == 5);
  CHECK(counts.examples[1].reason == RejectReason::line_too_long);
  CHECK(counts.examples[2].line == 7);
  CHECK(counts.mended_by_field == std::map<Field, std::uint64_t>{{Field::cohort, 1}});
  REQUIRE(counts.mended_examples.size() == 1);
  CHECK(counts.mended_examples[0].line == 4);
  CHECK(counts.mended_examples[0].field == Field::cohort);
  CHECK(counts.mended_examples[0].found == "the text \"x\"");
}

TEST_CASE("an overlong line is one also where it is blank") {
  const TempFiles files;
  const std::size_t limit = kMaxLineBytes;
  CHECK(counts_of(files.write("a", std::string(limit, ' '))).records == 0);
  CHECK(counts_of(files.write("b", std::string(limit + 1, ' '))).malformed == 1);
  CHECK(counts_of(files.write("c", std::string(4 * limit, ' ') + "\n")).malformed == 1);
}

TEST_CASE("the mapping, the outcome node and the kind of duplicates reach the records") {
  const TempFiles files;
  const std::string node = R"({"run":"r1","created_at":"2026-02-25T01:00:00Z","status":)";
  const std::string path =
      files.write("a", node + R"("failed","node_id":"work"})" + "\n" + node +
                           R"("succeeded","node_id":"evaluate"})" + "\n" + node +
                           R"("succeeded","node_id":"evaluate"})" + "\n");
  SourceOptions options;
  options.mapping.fields["pipeline_run_id"].name = "run";
  const auto succeeded = [&] {
    const PartialSet set = FileSource({path}, options).read(log_query());
    return set.sum(log_query().range, Population::dag).succeeded;
  };
  CHECK(succeeded() == 0);
  options.mapping.outcome_node = "evaluate";
  CHECK(succeeded() == 1);
  options.dedupe = Dedupe::records;
  CHECK(FileSource({path}, options).read(log_query()).input.duplicates == 1);
}

TEST_CASE("records outside the range or from the future are not figures of it") {
  const TempFiles files;
  const std::string path = files.write(
      "a", log_line(1, 3, ",\"created_at\":\"2026-02-24T23:59:59Z\"") + "\n" +
               log_line(2, 3, ",\"created_at\":\"2026-02-26T00:00:01Z\"") + "\n" + log_line(3, 3));
  const PartialSet set = FileSource({path}, {}).read(log_query());
  CHECK(set.input.out_of_range == 1);
  CHECK(set.input.malformed_by_reason.at(RejectReason::future_time) == 1);
  CHECK(set.sum(log_query().range, Population::dag).total_runs == 1);
}

TEST_CASE("a source says what it reads") {
  CHECK(FileSource({}, {}).describe() == "no files");
  CHECK(FileSource({"-"}, {}).describe() == "standard input");
  CHECK(FileSource({"a", "b", "c"}, {}).describe() == "a and 2 more");
}

TEST_CASE("no files at all give an empty partial set") {
  CHECK(FileSource({}, {}).read(log_query()) == PartialSet{});
}

}  // namespace
}  // namespace dagloop::test
