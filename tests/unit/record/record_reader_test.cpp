#include "dagloop/record/record_reader.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "reading.hpp"

namespace dagloop::test {
namespace {

bool same_record(const LogRecord& a, const LogRecord& b) {
  const auto all = [](const LogRecord& r) {
    return std::make_tuple(r.run_key, r.run_key_is_request, r.node_id, r.error_code, r.plan_source,
                           r.is_node_record, r.status, r.compensation, r.population, r.cohort,
                           r.has_verification_reason, r.has_fallback_reason, r.idempotent_reuse,
                           r.attempt, r.created_at, r.duration_ms, r.fanout_total, r.fanout_failed,
                           r.fanout_index, r.pipeline_id, r.tokens_in, r.tokens_out, r.cost_micros,
                           r.mended, r.unread, r.user_id, r.request_id, r.is_compensation);
  };
  return all(a) == all(b);
}

TEST_CASE("a run record with every field is read") {
  const Reading reading = read_line(
      R"({"request_id":"q","user_id":"u","created_at":"2026-02-25T06:00:00.25Z","status":"failed",)"
      R"("error_code":"TOOL_TIMEOUT","pipeline_run_id":"r","node_id":null,"node_type":"",)"
      R"("attempt":2,"duration_ms":1500.5,"verification_reason":"count","fallback_reason":"rule",)"
      R"("execution_mode":"dag","plan_source":"llm","idempotency_key":"k","idempotent_reuse":true,)"
      R"("compensation_status":"manual_required","fanout_total":7,"fanout_failed":3,)"
      R"("policy_version":"p","cohort":"canary","fanout_index":2,"pipeline_id":"d",)"
      R"("tokens_in":11,"tokens_out":12,"cost_micros":13})");
  REQUIRE(reading.is_record());
  const LogRecord& record = reading.record();
  CHECK(record.run_key == "r");
  CHECK_FALSE(record.run_key_is_request);
  CHECK_FALSE(record.is_node_record);
  CHECK(record.node_id.empty());
  CHECK(record.created_at == at("2026-02-25T06:00:00.25Z"));
  CHECK(record.status == Status::failed);
  CHECK(record.error_code == "TOOL_TIMEOUT");
  CHECK(record.attempt == 2);
  CHECK(record.duration_ms == 1500.5);
  CHECK(record.has_verification_reason);
  CHECK(record.has_fallback_reason);
  CHECK(record.population == Population::dag);
  CHECK(record.plan_source == "llm");
  CHECK(record.idempotent_reuse);
  CHECK(record.compensation == CompensationStatus::manual_required);
  CHECK(record.fanout_total == 7);
  CHECK(record.fanout_failed == 3);
  CHECK(record.cohort == Cohort::canary);
  CHECK(record.fanout_index == 2U);
  CHECK(record.pipeline_id == "d");
  CHECK(record.tokens_in == 11U);
  CHECK(record.tokens_out == 12U);
  CHECK(record.cost_micros == 13U);
  CHECK(record.mended == 0);
}

TEST_CASE("a record with the required fields alone has the defaults of the rest") {
  const Reading reading = read_line(run_line());
  REQUIRE(reading.is_record());
  const LogRecord& record = reading.record();
  CHECK(record.attempt == 1);
  CHECK_FALSE(record.duration_ms.has_value());
  CHECK_FALSE(record.has_verification_reason);
  CHECK_FALSE(record.has_fallback_reason);
  CHECK_FALSE(record.idempotent_reuse);
  CHECK(record.compensation == CompensationStatus::none);
  CHECK(record.cohort == Cohort::none);
  CHECK(record.fanout_total == 0);
  CHECK(record.error_code.empty());
  CHECK_FALSE(record.fanout_index.has_value());
  CHECK(record.pipeline_id.empty());
  CHECK_FALSE(record.tokens_in.has_value());
  CHECK_FALSE(record.tokens_out.has_value());
  CHECK_FALSE(record.cost_micros.has_value());
}

TEST_CASE("a node that undoes others is known by its type in any case") {
  for (const char* type : {"compensation", "Compensation", "COMPENSATION"}) {
    const std::string line =
        run_line(R"(,"node_id":"n1","node_type":")" + std::string(type) + "\"");
    CHECK(read_line(line).record().is_compensation);
  }
  CHECK_FALSE(read_line(run_line(R"(,"node_id":"n1","node_type":"compensations")"))
                  .record()
                  .is_compensation);
}

TEST_CASE("null and empty text are absent, whatever the field's type") {
  for (const std::string_view field : contract_fields()) {
    for (const char* nothing : {"null", R"("")"}) {
      const std::string line = run_line(",\"" + std::string(field) + "\":" + nothing);
      INFO(line);
      const std::string expected = field == "created_at"        ? "missing_created_at"
                                   : field == "status"          ? "missing_status"
                                   : field == "pipeline_run_id" ? "missing_run_id"
                                                                : "record";
      CHECK(outcome_of(line) == expected);
      if (expected == "record") CHECK(read_line(line).record().mended == 0);
    }
  }
}

TEST_CASE("a line that is no JSON object is rejected as such") {
  for (const char* line :
       {"", " ", "[]", "1", "null", R"("text")", "{", "}", "{}}", "{} {}", "{\"a\":}", "{'a':1}",
        "{\"a\":1,}", "{\"a\" 1}", "not json", "{\"a\":\"unclosed}", "{} // comment"}) {
    INFO(line);
    CHECK(outcome_of(line) == "not_json_object");
  }
}

TEST_CASE("a field outside the contract makes a line malformed by its brackets and commas alone") {
  CHECK(outcome_of(run_line(R"(,"extra":[1,2,{"a":nul}])")) == "record");
  CHECK(outcome_of(run_line(R"(,"extra":[1,2,{"a":null}])")) == "record");
  for (const char* extra : {"[1,2", "[1 2]", "{\"a\":1,}", "{a:1}", "[1}", "", "\"a\" \"b\""}) {
    INFO(extra);
    CHECK(outcome_of(run_line(std::string(",\"extra\":") + extra)) == "not_json_object");
  }
}

TEST_CASE("missing required fields are named") {
  CHECK(outcome_of(R"({"pipeline_run_id":"r","status":"ok"})") == "missing_created_at");
  CHECK(outcome_of(R"({"pipeline_run_id":"r","created_at":"2026-02-25T06:00:00Z"})") ==
        "missing_status");
  CHECK(outcome_of(R"({"status":"ok","created_at":"2026-02-25T06:00:00Z"})") == "missing_run_id");
  CHECK(outcome_of("{}") == "missing_created_at");
}

TEST_CASE("what a record cannot do without is read from text alone, an id from a number, too") {
  for (const char* value : {"1", "1.5", "true", "[]", "{}", "[\"a\"]"}) {
    for (const std::string field : {"created_at", "status"}) {
      INFO(field << value);
      CHECK(outcome_of(run_line(",\"" + field + "\":" + value)) == "wrong_type");
    }
  }
  for (const char* value : {"true", "[]", "{}"}) {
    INFO(value);
    CHECK(outcome_of(run_line(std::string(",\"pipeline_run_id\":") + value)) == "wrong_type");
    CHECK(outcome_of(run_line(std::string(",\"pipeline_run_id\":null,\"request_id\":") + value)) ==
          "wrong_type");
  }
  CHECK(read_line(run_line(R"(,"pipeline_run_id":17)")).record().run_key == "17");
}

TEST_CASE("integers of any length are valid JSON") {
  const std::string digits(40, '9');
  CHECK(outcome_of(run_line(",\"trace\":" + digits)) == "record");
  CHECK(outcome_of(run_line(",\"trace\":[-" + digits + "," + digits + "]")) == "record");
  CHECK(outcome_of(run_line(R"(,"x":"a\"1\\","trace":)" + digits + ",\"y\":\"" + digits + "\"")) ==
        "record");
  CHECK(read_line(run_line(",\"error_code\":\"" + digits + "\",\"trace\":" + digits))
            .record()
            .error_code == digits);
  CHECK(outcome_of(run_line(",\"trace\":1" + digits + "." + digits + "e-" + "5")) == "record");
  CHECK(read_line(run_line(",\"duration_ms\":1" + std::string(20, '0'))).record().duration_ms ==
        1e20);
  CHECK(read_line(run_line(",\"attempt\":" + digits)).record().attempt == 1);
  CHECK(read_line(run_line(",\"fanout_total\":-" + digits)).record().fanout_total == 0);
  CHECK(outcome_of(run_line(",\"trace\":0" + digits)) == "record");
  CHECK(outcome_of(run_line(",\"trace\":" + digits + "x")) == "record");
}

TEST_CASE("a word outside the contract is no status") {
  CHECK(outcome_of(run_line(R"(,"status":"finished")")) == "unknown_status");
  CHECK(outcome_of(run_line(R"(,"status":"succeeded!")")) == "unknown_status");
}

TEST_CASE("each word of compensation_status and cohort is read") {
  for (const auto status : {CompensationStatus::not_required, CompensationStatus::completed,
                            CompensationStatus::failed, CompensationStatus::manual_required}) {
    const std::string word(to_string(status));
    CHECK(read_line(run_line(",\"compensation_status\":\"" + word + "\"")).record().compensation ==
          status);
  }
  CHECK(read_line(run_line(R"(,"cohort":"control")")).record().cohort == Cohort::control);
}

TEST_CASE("a time that is no RFC 3339 time with a zone is a bad time") {
  for (const char* time : {"yesterday", "2026-02-25", "2026-02-25T06:00:00", "1771999200",
                           "2026-02-30T00:00:00Z", "2026-02-25T25:00:00Z"}) {
    INFO(time);
    CHECK(outcome_of(run_line(std::string(",\"created_at\":\"") + time + "\"")) == "bad_time");
  }
}

TEST_CASE("an offset is converted to UTC") {
  const Reading reading = read_line(run_line(R"(,"created_at":"2026-02-25T08:30:00+02:30")"));
  CHECK(reading.record().created_at == at("2026-02-25T06:00:00Z"));
}

TEST_CASE("a record later than the latest instant allowed is from the future") {
  CHECK(outcome_of(run_line(R"(,"created_at":"2026-02-26T00:00:00Z")")) == "record");
  CHECK(outcome_of(run_line(R"(,"created_at":"2026-02-26T00:00:00.000001Z")")) == "future_time");
}

TEST_CASE("with several faults the reason is the first in the order of precedence") {
  std::string line = R"({"created_at":"2027-01-01T00:00:00Z","pipeline_run_id":"r","status":"ok")";
  CHECK(outcome_of(line + "}") == "future_time");
  line += R"(,"created_at":"soon")";
  CHECK(outcome_of(line + "}") == "bad_time");
  line += R"(,"status":"x")";
  CHECK(outcome_of(line + "}") == "unknown_status");
  line += R"(,"pipeline_run_id":"")";
  CHECK(outcome_of(line + "}") == "missing_run_id");
  line += R"(,"status":"")";
  CHECK(outcome_of(line + "}") == "missing_status");
  line += R"(,"created_at":"")";
  CHECK(outcome_of(line + "}") == "missing_created_at");
  line += R"(,"status":5)";
  CHECK(outcome_of(line + "}") == "wrong_type");
  CHECK(outcome_of(line) == "not_json_object");
}

TEST_CASE("a record is a node record when it has a node that is not the pipeline itself") {
  CHECK(read_line(run_line(R"(,"node_id":"n1")")).record().is_node_record);
  CHECK(read_line(run_line(R"(,"node_id":"n1","node_type":"skill")")).record().is_node_record);
  CHECK(read_line(run_line(R"(,"node_id":"n1")")).record().node_id == "n1");
  CHECK_FALSE(
      read_line(run_line(R"(,"node_id":"n1","node_type":"pipeline")")).record().is_node_record);
  CHECK_FALSE(read_line(run_line(R"(,"node_type":"skill")")).record().is_node_record);
}

TEST_CASE("the run is known by pipeline_run_id, else by request_id in a key space of its own") {
  const Reading reading =
      read_line(R"({"request_id":"q1","created_at":"2026-02-25T06:00:00Z","status":"ok"})");
  REQUIRE(reading.is_record());
  CHECK(reading.record().run_key == "q1");
  CHECK(reading.record().run_key_is_request);
  CHECK_FALSE(read_line(run_line(R"(,"request_id":"q1")")).record().run_key_is_request);
}

TEST_CASE("execution_mode decides the population, and pipeline_run_id where it is absent") {
  const auto population = [](const std::string& members) {
    return read_line(run_line(members)).record().population;
  };
  CHECK(population("") == Population::dag);
  CHECK(population(R"(,"execution_mode":"dag")") == Population::dag);
  CHECK(population(R"(,"execution_mode":"pipeline_dag")") == Population::dag);
  CHECK(population(R"(,"execution_mode":"rule")") == Population::non_dag);
  CHECK(population(R"(,"execution_mode":"DAG")") == Population::dag);
  CHECK(population(R"(,"pipeline_run_id":"","request_id":"q")") == Population::non_dag);
  CHECK(population(R"(,"pipeline_run_id":"","request_id":"q","execution_mode":"dag")") ==
        Population::dag);
}

TEST_CASE("the last of a repeated key counts, even where it is null") {
  CHECK(read_line(run_line(R"(,"status":"failed","status":"skipped")")).record().status ==
        Status::skipped);
  CHECK(outcome_of(run_line(R"(,"status":7,"status":"ok")")) == "record");
  CHECK(outcome_of(run_line(R"(,"status":null)")) == "missing_status");
}

TEST_CASE("keys and values may be escaped") {
  const Reading reading =
      read_line(run_line(R"(,"st\u0061tus":"f\u0061iled","error_code":"a\"\u00e9\n")"));
  CHECK(reading.record().status == Status::failed);
  CHECK(reading.record().error_code == "a\"\xc3\xa9\n");
}

TEST_CASE("fields of the contract are read at the top of the object alone") {
  const Reading reading = read_line(run_line(R"(,"nested":{"status":"failed","attempt":"x"})"));
  REQUIRE(reading.is_record());
  CHECK(reading.record().status == Status::succeeded);
}

TEST_CASE("a carriage return at the end of the line is ignored") {
  CHECK(outcome_of(run_line() + "\r") == "record");
  CHECK(outcome_of("[]\r") == "not_json_object");
}

TEST_CASE("a line is too long from one byte over the limit") {
  const std::string head = R"(,"text":")";
  const std::size_t room = kMaxLineBytes - run_line(head + "\"").size();
  const std::string longest = run_line(head + std::string(room, 'x') + "\"");
  REQUIRE(longest.size() == kMaxLineBytes);
  CHECK(outcome_of(longest) == "record");
  CHECK(outcome_of(longest + "\r") == "record");
  CHECK(outcome_of(run_line(head + std::string(room + 1, 'x') + "\"")) == "line_too_long");
}

TEST_CASE("bytes behind the line are never taken for a part of it") {
  const std::string text = run_line(R"(,"attempt":3)") + "\n" + run_line() + std::string(99, '}');
  RecordReader reader(Mapping{}, at("2026-02-26T00:00:00Z"));
  const auto result = reader.read(std::string_view(text).substr(0, text.find('\n')));
  REQUIRE(std::holds_alternative<LogRecord>(result));
  CHECK(std::get<LogRecord>(result).attempt == 3);
}

TEST_CASE("a reader keeps nothing from one line to the next") {
  const std::string full = run_line(R"(,"node_id":"n","attempt":4,"cohort":"canary")");
  const std::string text = full + std::string(kLinePadding, ' ');
  const std::string next = run_line() + std::string(kLinePadding, ' ');
  RecordReader reader(Mapping{}, at("2026-02-26T00:00:00Z"));
  reader.read({text.data(), full.size()});
  const auto result = reader.read({next.data(), next.size() - kLinePadding});
  CHECK_FALSE(std::get<LogRecord>(result).is_node_record);
  CHECK(std::get<LogRecord>(result).attempt == 1);
  CHECK(std::get<LogRecord>(result).cohort == Cohort::none);
}

TEST_CASE("a line behind which nothing is readable is read from a copy") {
  const std::string full = run_line(R"(,"error_code":"E 7","attempt":3)");
  RecordReader reader(Mapping{}, at("2026-02-26T00:00:00Z"));
  for (const std::string& line : {full, run_line(R"(,"error_code":"E 7")"), full}) {
    auto row = std::make_unique<std::vector<char>>(line.begin(), line.end());
    const ReadResult& result = reader.read_copy({row->data(), row->size()});
    row.reset();
    REQUIRE(std::holds_alternative<LogRecord>(result));
    CHECK(same_record(std::get<LogRecord>(result), read_line(line).record()));
  }
}

TEST_CASE("lines are cut at newlines, without the carriage return before") {
  const std::string text = "{}\r\n\n{\"a\":\"\xc3\xa9\"}\nlast";
  const std::string padded = text + std::string(kLinePadding, '\n');
  std::string_view rest(padded.data(), text.size());
  std::vector<std::pair<std::string_view, bool>> lines;
  while (!rest.empty()) {
    const LogLine line = cut_line(rest);
    lines.emplace_back(line.text, line.is_plain);
  }
  const std::vector<std::pair<std::string_view, bool>> expected{
      {"{}", true}, {"", true}, {"{\"a\":\"\xc3\xa9\"}", false}, {"last", true}};
  CHECK(lines == expected);
}

TEST_CASE("whatever lines came before, a line is read as by a new reader") {
  const std::vector<std::string> lines{
      run_line(R"(,"node_id":"n","node_type":"skill","attempt":4,"cohort":"canary")"),
      run_line(R"(,"error_code":"E","duration_ms":12.5,"fanout_total":3,"fanout_failed":1)"),
      run_line(R"(,"compensation_status":"failed","idempotent_reuse":true)"),
      run_line(R"(,"verification_reason":"v","fallback_reason":"f","plan_source":"llm")"),
      run_line(R"(,"execution_mode":"rule","status":"running")"),
      run_line(
          R"(,"fanout_index":3,"pipeline_id":"d","tokens_in":1,"tokens_out":2,"cost_micros":3)"),
      run_line(
          R"(,"user_id":7,"error_code":503,"duration_ms":"12","cohort":"Canary"," x":"\ud83d")"),
      run_line(R"(,"error_code":"\ud83d")"),
      run_line(R"(,"user_id":"u","request_id":"q","cohort":"blue","duration_ms":NaN)"),
      run_line(R"(,"node_id":"n","node_type":"Compensation","status":"sideways")"),
      run_line(R"(,"node_id":"n","node_type":"Compensation","duration_ms":-1)"),
      run_line(R"(,"status":"sideways")"),
      R"({"request_id":"q","created_at":"2026-02-25T06:00:01Z","status":"ok"})",
      run_line(),
      run_line(R"(,"x":"\u00e9")"),
      "[]",
      run_line(R"(,"attempt":0)")};
  RecordReader reader(Mapping{}, at("2026-02-26T00:00:00Z"));
  for (std::size_t n = 0; n < lines.size() * lines.size(); ++n) {
    for (const std::string& line : {lines[n / lines.size()], lines[n % lines.size()]}) {
      const std::string padded = line + std::string(kLinePadding, ' ');
      const Reading fresh = read_line(line);
      const auto& result = reader.read({padded.data(), line.size()});
      INFO(line);
      REQUIRE(std::holds_alternative<LogRecord>(result) == fresh.is_record());
      if (fresh.is_record()) REQUIRE(same_record(std::get<LogRecord>(result), fresh.record()));
      if (fresh.is_record()) continue;
      REQUIRE(std::get<UnreadLine>(result).reason == fresh.reason());
      REQUIRE(std::get<UnreadLine>(result).may_be_attempt == fresh.unread().may_be_attempt);
    }
  }
}

TEST_CASE("reject reasons print the contract's words") {
  std::string all;
  for (auto i = RejectReason::not_json_object; i <= RejectReason::line_too_long;
       i = static_cast<RejectReason>(static_cast<int>(i) + 1)) {
    all += std::string(to_string(i)) + " ";
  }
  CHECK(all ==
        "not_json_object missing_created_at missing_status missing_run_id wrong_type "
        "unknown_status unknown_value bad_time bad_number future_time line_too_long ");
}

}  // namespace
}  // namespace dagloop::test
