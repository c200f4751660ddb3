// A line that is no record shows what it says all the same, and what is wrong with it.
#include <catch2/catch.hpp>
#include <string>

#include "reading.hpp"

namespace dagloop::test {
namespace {

const std::string kFull =
    R"({"pipeline_run_id":"r1","cohort":"canary","created_at":"2026-02-25T06:00:00Z",)"
    R"("status":"sideways"})";

Mapping cut_mapping(const std::string& members) {
  const std::string text = R"({"schema":"dagloop.mapping/1",)" + members + "}";
  return parse_mapping(parse_json(text, "m.json"), "m.json");
}

std::string text_of(const Reading& reading) {
  REQUIRE_FALSE(reading.is_record());
  return explain(reading.unread().fault);
}

// "run r1 canary 2026-02-25T06:00:00Z": what a line shows.
std::string shown_by(const Reading& reading) {
  REQUIRE_FALSE(reading.is_record());
  const UnreadLine& line = reading.unread();
  std::string text = line.run_key.empty()      ? "-"
                     : line.run_key_is_request ? "request " + std::string(line.run_key)
                                               : "run " + std::string(line.run_key);
  text += " " + std::string(to_string(line.cohort));
  return text + " " + (line.created_at ? format_time(*line.created_at) : "-");
}

}  // namespace

TEST_CASE("a malformed record shows its run, its cohort and its time") {
  CHECK(shown_by(read_line(kFull)) == "run r1 canary 2026-02-25T06:00:00Z");
  CHECK(shown_by(read_line(R"({"request_id":"q","cohort":"Control","created_at":5})")) ==
        "request q control -");
  CHECK(shown_by(read_line(R"({"pipeline_run_id":{},"request_id":"q"})")) == "request q none -");
  CHECK(shown_by(read_line("{}")) == "- none -");
  const Reading future = read_line(run_line(R"(,"created_at":"2027-01-01T00:00:00Z")"));
  CHECK(shown_by(future) == "run r1 none -");
  CHECK(future.unread().is_of_future);  // so one day it shows that time
  CHECK_FALSE(read_line(kFull).unread().is_of_future);
  for (const char* line : {"", "[]", "not json", "7", "[{\"pipeline_run_id\":\"r1\"}]"}) {
    CHECK(shown_by(read_line(line)) == "- none -");
  }
}

TEST_CASE("a line that is cut off shows what is complete before the cut") {
  const std::size_t run_end = kFull.find(R"(,"cohort")");
  const std::size_t cohort_end = kFull.find(R"(,"created_at")");
  const std::size_t time_end = kFull.find(R"(,"status")");
  for (std::size_t size = 0; size < kFull.size(); ++size) {
    const Reading reading = read_line(kFull.substr(0, size));
    INFO(kFull.substr(0, size));
    REQUIRE(reading.reason() == RejectReason::not_json_object);
    std::string expected = size < run_end ? "- " : "run r1 ";
    expected += size < cohort_end ? "none " : "canary ";
    expected += size < time_end ? "-" : "2026-02-25T06:00:00Z";
    CHECK(shown_by(reading) == expected);
    CHECK(reading.unread().fault.found ==
          (size == 0 ? "no JSON object" : "a line that is cut off"));
  }
}

TEST_CASE("a cut inside of what is nested or no JSON takes nothing from what stands before it") {
  for (const char* rest : {R"({"a":[1,{"b":"te)", "[[[[", R"("half \ud83d)", "NaN", "1e400",
                           "\"\xff", "\"\\", "{\"pipeline_run_id\":\"r2\"", "tru"}) {
    INFO(rest);
    const Reading reading =
        read_line(R"({"pipeline_run_id":"r1","cohort":"canary","n":NaN,"x":)" + std::string(rest));
    CHECK(shown_by(reading) == "run r1 canary -");
  }
}

TEST_CASE("a number at the cut may go on behind it") {
  CHECK(shown_by(read_line(R"({"pipeline_run_id":12)")) == "- none -");
  CHECK(shown_by(read_line(R"({"pipeline_run_id":12,)")) == "run 12 none -");
}

TEST_CASE("what follows a line that is whole is a fault with a place") {
  const Reading reading = read_line(run_line() + "{}");
  CHECK(shown_by(reading) == "run r1 none 2026-02-25T06:00:00Z");
  CHECK(reading.unread().fault.found ==
        "no JSON from byte " + std::to_string(run_line().size() + 1) + " on");
}

TEST_CASE("a line that is cut off is read through the names of a mapping") {
  const Mapping mapping = cut_mapping(
      R"("detail_column":"d","fields":{"pipeline_run_id":{"column":"run"},)"
      R"("cohort":{"pointer":"/labels/arm","aliases":{"beta":"canary"}},"created_at":{"detail":"at"}})");
  CHECK(shown_by(read_line(R"({"run":"r9","labels":{"arm":"beta"},"x)", mapping)) ==
        "run r9 canary -");
  CHECK(shown_by(read_line(R"({"run":"r9","labels":{"arm":"beta","z)", mapping)) ==
        "run r9 canary -");
  CHECK(shown_by(read_line(R"({"run":"r9","d":"at=2026-02-25T06:00:00Z;x=1;y)", mapping)) ==
        "run r9 none 2026-02-25T06:00:00Z");
  CHECK(shown_by(read_line(R"({"run":"r9","d":"at=2026-02-25T06:00:00Z)", mapping)) ==
        "run r9 none -");
  CHECK(shown_by(read_line(R"({"run":"a;b)", mapping)) == "- none -");
}

TEST_CASE("a line that is too long shows what stands at its beginning") {
  const std::string line =
      run_line(R"(,"cohort":"control","x":")" + std::string(kMaxLineBytes, 'x'));
  const Reading reading = read_line(line);
  CHECK(reading.reason() == RejectReason::line_too_long);
  CHECK(shown_by(reading) == "run r1 control 2026-02-25T06:00:00Z");
  CHECK(text_of(reading) ==
        "the line: a line of more than 1 MiB; wanted one JSON object a line, of at most 1 MiB");
}

TEST_CASE("a malformed line says what was found, what is wanted, and what mapping reads it") {
  CHECK(text_of(read_line(run_line(R"(,"created_at":1795400000)"))) ==
        "created_at: a number; wanted a time as text (RFC 3339), e.g. 2026-02-25T06:00:00Z; a "
        R"(mapping can read it: "created_at": {"column": "<where the log has it>"})");
  CHECK(text_of(read_line(run_line(R"(,"created_at":"yesterday")")))
            .starts_with("created_at: the text \"yesterday\"; wanted a time as text (RFC 3339)"));
  CHECK(text_of(read_line(run_line(R"(,"created_at":null)"))).starts_with("created_at: nothing; "));
  CHECK(text_of(read_line(kFull)) ==
        "status: the text \"sideways\"; wanted one of succeeded, failed, manual_required, "
        "cancelled, skipped, running, pending, compensating as text, or an alias; a mapping can "
        R"(read it: "status": {"aliases": {"sideways": "failed"}})");
  CHECK(text_of(read_line(run_line(R"(,"status":2)"))).starts_with("status: a number; wanted "));
  CHECK(text_of(read_line(run_line(R"(,"pipeline_run_id":null)"))) ==
        "pipeline_run_id: nothing; wanted the run's id as text, or a request_id; a mapping can "
        R"(read it: "pipeline_run_id": {"column": "<where the log has it>"})");
  CHECK(text_of(read_line(run_line(R"(,"created_at":"2027-01-01T00:00:00Z")"))) ==
        "created_at: the time 2027-01-01T00:00:00Z, which is in the future; wanted a time that is "
        "not later than the clock and input.future_skew");
  CHECK(text_of(read_line("[]")) ==
        "the line: JSON, but no object; wanted one JSON object a line, of at most 1 MiB");
}

TEST_CASE("a word of a log is masked, cut and without control characters where it is named") {
  const auto found = [](const std::string& status) {
    return read_line(run_line(",\"status\":\"" + status + "\"")).unread().fault.found;
  };
  CHECK(found(std::string(60, 'a')) == "the text \"" + std::string(40, 'a') + "...\"");
  std::string long_word;
  for (int i = 0; i < 41; ++i) long_word += "\xc3\xa9";
  CHECK(found(long_word) == "the text \"" + long_word.substr(0, 80) + "...\"");
  CHECK(found("a\\u001b[2J").find('\x1b') == std::string::npos);
  CHECK(found("password=hunter2hunter2").find("hunter2") == std::string::npos);
}

}  // namespace dagloop::test
