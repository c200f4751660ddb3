#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "dagloop/record/record_reader.hpp"
#include "reading.hpp"

namespace dagloop::test {
namespace {

Mapping mapping_of(const std::string& fields, const std::string& members = "") {
  const std::string text =
      R"({"schema":"dagloop.mapping/1")" + members + R"(,"fields":{)" + fields + "}}";
  return parse_mapping(parse_json(text, "m.json"), "m.json");
}

Mapping shipped_mapping() {
  std::ifstream file(std::string(DAGLOOP_CONFIG_DIR) + "/mappings/command_logs.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_mapping(parse_json(text, "command_logs.json"), "command_logs.json");
}

std::string error_code_of(const std::string& members, const Mapping& mapping) {
  const Reading reading = read_line(run_line(members), mapping);
  return reading.is_record() ? std::string(reading.record().error_code)
                             : std::string(to_string(reading.reason()));
}

TEST_CASE("a field mapped to a column is read from there and no longer from its own name") {
  const Mapping mapping = mapping_of(R"("error_code":{"column":"failure"})");
  CHECK(error_code_of(R"(,"failure":"A","error_code":"B")", mapping) == "A");
  CHECK(error_code_of(R"(,"error_code":"B")", mapping).empty());
  CHECK(error_code_of(R"(,"error_code":7)", mapping).empty());
}

TEST_CASE("one column can serve several fields") {
  const Mapping mapping =
      mapping_of(R"("verification_reason":{"column":"why"},"fallback_reason":{"column":"why"})");
  const Reading reading = read_line(run_line(R"(,"why":"x")"), mapping);
  CHECK(reading.record().has_verification_reason);
  CHECK(reading.record().has_fallback_reason);
}

TEST_CASE("a column can be swapped with another field's name") {
  const Mapping mapping =
      mapping_of(R"("error_code":{"column":"plan_source"},"plan_source":{"column":"error_code"})");
  const Reading reading = read_line(run_line(R"(,"error_code":"A","plan_source":"B")"), mapping);
  CHECK(reading.record().error_code == "B");
  CHECK(reading.record().plan_source == "A");
}

TEST_CASE("column names longer than any of the contract are found") {
  const std::string longest(100, 'n');
  const Mapping mapping = mapping_of(R"("error_code":{"column":")" + longest + "\"}");
  CHECK(error_code_of(",\"" + longest + "\":\"A\"", mapping) == "A");
}

TEST_CASE("a pointer finds members and elements at any depth") {
  const Mapping mapping = mapping_of(R"("error_code":{"pointer":"/error/list/1/code"})");
  CHECK(error_code_of(R"(,"error":{"list":[{"code":"A"},{"code":"B"}]})", mapping) == "B");
  for (const char* nothing :
       {"", R"(,"error":null)", R"(,"error":{"list":[]})", R"(,"error":{"list":{"2":1}})",
        R"(,"error":"text")", R"(,"error":{"list":[1,2]})"}) {
    CHECK(error_code_of(nothing, mapping).empty());
  }
  CHECK(error_code_of(R"(,"error":{"list":[0,{"code":5}]})", mapping) == "5");
}

TEST_CASE("a pointer unescapes its tokens and takes digits as keys of objects") {
  const Mapping escaped = mapping_of(R"("error_code":{"pointer":"/a~1b/c~0d/~01"})");
  CHECK(error_code_of(R"(,"a/b":{"c~d":{"~1":"A"}})", escaped) == "A");
  const Mapping digits = mapping_of(R"("error_code":{"pointer":"/e/0"})");
  CHECK(error_code_of(R"(,"e":{"0":"A"})", digits) == "A");
  CHECK(error_code_of(R"(,"e":["B"])", digits) == "B");
  const Mapping padded = mapping_of(R"("error_code":{"pointer":"/e/00"})");
  CHECK(error_code_of(R"(,"e":["B"])", padded).empty());
  const Mapping empty_key = mapping_of(R"("error_code":{"pointer":"/e/"})");
  CHECK(error_code_of(R"(,"e":{"":"A"})", empty_key) == "A");
  CHECK(error_code_of(R"(,"e":["B"])", empty_key).empty());
}

TEST_CASE("the last of a repeated key counts inside a pointer too") {
  const Mapping mapping = mapping_of(R"("error_code":{"pointer":"/e/c"})");
  CHECK(error_code_of(R"(,"e":{"c":"A"},"e":{"c":"B","c":"C"})", mapping) == "C");
}

TEST_CASE("detail pairs are split at semicolons and the first equals sign") {
  const Mapping mapping = mapping_of(R"("error_code":{"detail":"code"})");
  CHECK(error_code_of(R"(,"detail":"code=A")", mapping) == "A");
  CHECK(error_code_of(R"(,"detail":"x=1;code=A;y=2")", mapping) == "A");
  CHECK(error_code_of(R"(,"detail":"x=1; code =A=B;")", mapping) == "A=B");
  CHECK(error_code_of(R"(,"detail":"code=A;code=B")", mapping) == "B");
  CHECK(error_code_of(R"(,"detail":";;code=;;")", mapping).empty());
  CHECK(error_code_of(R"(,"detail":"code;xcode=A;codex=B;=C")", mapping).empty());
  CHECK(error_code_of(R"(,"detail":null)", mapping).empty());
  CHECK(error_code_of("", mapping).empty());
}

TEST_CASE("of a detail column that is no text no field can be read") {
  const Mapping mapping = mapping_of(R"("error_code":{"detail":"c"},"cohort":{"detail":"d"})");
  for (const char* detail : {"{}", "[1]", "7", "true"}) {
    const Reading reading = read_line(run_line(std::string(",\"detail\":") + detail), mapping);
    REQUIRE(reading.is_record());
    CHECK(reading.record().mended == field_bits(Field::error_code, Field::cohort));
    CHECK(reading.record().error_code.empty());
  }
  const Mapping id = mapping_of(R"("pipeline_run_id":{"detail":"run"})");
  CHECK(outcome_of(run_line(R"(,"detail":{})"), id) == "wrong_type");
  CHECK(outcome_of(run_line(R"(,"detail":{})")) == "record");
}

TEST_CASE("the detail column can have another name") {
  const Mapping mapping = mapping_of(R"("error_code":{"detail":"c"})", R"(,"detail_column":"d")");
  CHECK(error_code_of(R"(,"d":"c=A","detail":"c=B")", mapping) == "A");
}

TEST_CASE("numbers and booleans of a detail column are read from their text") {
  const Mapping mapping = mapping_of(
      R"("attempt":{"detail":"a"},"duration_ms":{"detail":"d"},"idempotent_reuse":{"detail":"i"})");
  const Reading reading = read_line(run_line(R"(,"detail":"a=3;d=12.5;i=1")"), mapping);
  CHECK(reading.record().attempt == 3);
  CHECK(reading.record().duration_ms == 12.5);
  CHECK(reading.record().idempotent_reuse);
  CHECK(read_line(run_line(R"(,"detail":"i=true")"), mapping).record().idempotent_reuse);
  CHECK_FALSE(read_line(run_line(R"(,"detail":"i=0")"), mapping).record().idempotent_reuse);
  CHECK_FALSE(read_line(run_line(R"(,"detail":"i=false")"), mapping).record().idempotent_reuse);
  const auto mended = [&](const std::string& detail) {
    return read_line(run_line(",\"detail\":\"" + detail + "\""), mapping).record().mended;
  };
  CHECK(reading.record().mended == 0);
  CHECK(mended("a=;d=;i=") == 0);
  CHECK(mended("a= 1 ") == 0);
  for (const char* bad : {"a=x", "a=1x", "a=0", "a=1.5", "a=nan"}) {
    CHECK(mended(bad) == field_bits(Field::attempt));
  }
  for (const char* bad : {"d=-1", "d=inf", "d=nan", "d=1e999"}) {
    CHECK(mended(bad) == field_bits(Field::duration_ms));
  }
  CHECK(mended("i=yes") == field_bits(Field::idempotent_reuse));
}

TEST_CASE("aliases translate text, numbers and booleans") {
  const Mapping mapping = mapping_of(
      R"("status":{"aliases":{"done":"succeeded","1":"failed","true":"skipped","100000":"pending",)"
      R"("0.5":"cancelled","-2":"running","gone":""}})");
  const auto status = [&](const std::string& value) {
    const Reading reading = read_line(run_line(",\"status\":" + value), mapping);
    return std::string(reading.is_record() ? to_string(reading.record().status)
                                           : to_string(reading.reason()));
  };
  CHECK(status(R"("done")") == "succeeded");
  CHECK(status(R"("1")") == "failed");
  CHECK(status("1") == "failed");
  CHECK(status("true") == "skipped");
  CHECK(status("100000") == "pending");
  CHECK(status("0.5") == "cancelled");
  CHECK(status("-2") == "running");
  CHECK(status(R"("gone")") == "missing_status");
  CHECK(status(R"("failed")") == "failed");
  CHECK(status("2") == "wrong_type");
  CHECK(status("false") == "wrong_type");
  CHECK(status("1e300") == "wrong_type");
  CHECK(status("5e-324") == "wrong_type");
  CHECK(status("null") == "missing_status");
  CHECK(status("[]") == "wrong_type");
}

TEST_CASE("the word of an alias is read as the field's type") {
  const Mapping mapping = mapping_of(
      R"("idempotent_reuse":{"aliases":{"yes":"true","no":"0"}},"attempt":{"aliases":{"x":"3"}})");
  const Reading reading =
      read_line(run_line(R"(,"idempotent_reuse":"yes","attempt":"x")"), mapping);
  REQUIRE(reading.is_record());
  CHECK(reading.record().idempotent_reuse);
  CHECK(reading.record().attempt == 3);
  CHECK(reading.record().mended == 0);
  CHECK(read_line(run_line(R"(,"idempotent_reuse":"maybe")"), mapping).record().mended ==
        field_bits(Field::idempotent_reuse));
}

TEST_CASE("where created_at marks the start, the end is start + duration") {
  const Mapping mapping = mapping_of("", R"(,"created_at_marks":"start")");
  const auto end = [&](const std::string& members) {
    return read_line(run_line(members), mapping).record().created_at;
  };
  CHECK(end(R"(,"duration_ms":1500)") == at("2026-02-25T06:00:01.5Z"));
  CHECK(end(R"(,"duration_ms":0.0004)") == at("2026-02-25T06:00:00Z"));
  CHECK(end(R"(,"duration_ms":0.0006)") == at("2026-02-25T06:00:00.000001Z"));
  CHECK(end("") == at("2026-02-25T06:00:00Z"));
}

TEST_CASE("a run that ends in the future is from the future though its start is past") {
  const Mapping mapping = mapping_of("", R"(,"created_at_marks":"start")");
  const auto outcome = [&](const std::string& duration_ms) {
    return outcome_of(run_line(",\"duration_ms\":" + duration_ms), mapping);
  };
  CHECK(outcome("64800000") == "record");  // 18 h: ends with the day
  CHECK(outcome("64800000.001") == "future_time");
  CHECK(outcome("1e300") == "future_time");
  CHECK(outcome("-1") == "record");
}

TEST_CASE("a line of command_logs is read through the shipped mapping") {
  const Reading reading = read_line(
      R"({"request_id":"q1","user_id":"u1","created_at":"2026-02-25T06:00:00Z","status":"failed",)"
      R"("error_code":"TOOL_TIMEOUT","autonomous_fallback_reason":"no_plan","detail":)"
      R"("dag_pipeline=1;pipeline_run_id=r9;node_id=n2_1;node_type=skill;attempt=2;)"
      R"(duration_ms=812.5;verification_reason=;plan_source=llm;compensation_status=completed;)"
      R"(fanout_total=10;fanout_failed=1;idempotent_reuse=0;policy_version=v3;cohort=canary"})",
      shipped_mapping());
  REQUIRE(reading.is_record());
  const LogRecord& record = reading.record();
  CHECK(record.run_key == "r9");
  CHECK(record.population == Population::dag);
  CHECK(record.is_node_record);
  CHECK(record.node_id == "n2_1");
  CHECK(record.attempt == 2);
  CHECK(record.duration_ms == 812.5);
  CHECK_FALSE(record.has_verification_reason);
  CHECK(record.has_fallback_reason);
  CHECK(record.plan_source == "llm");
  CHECK(record.compensation == CompensationStatus::completed);
  CHECK(record.fanout_total == 10);
  CHECK(record.fanout_failed == 1);
  CHECK(record.cohort == Cohort::canary);
  CHECK(record.error_code == "TOOL_TIMEOUT");
}

TEST_CASE("a line of command_logs outside the DAG pipeline is read as such") {
  const Reading reading =
      read_line(R"({"request_id":"q1","created_at":"2026-02-25T06:00:00Z","status":"success",)"
                R"("detail":"dag_pipeline=0;plan_source=rule"})",
                shipped_mapping());
  REQUIRE(reading.is_record());
  CHECK(reading.record().population == Population::non_dag);
  CHECK(reading.record().run_key_is_request);
}

}  // namespace
}  // namespace dagloop::test
