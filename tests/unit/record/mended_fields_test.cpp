// A record is kept for what it says: a field that it can do without never takes it along.
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "reading.hpp"

namespace dagloop::test {
namespace {

Reading spoiled_with(std::string_view field, std::string_view json) {
  return read_line(run_line(",\"" + std::string(field) + "\":" + std::string(json)));
}

// The record, of which nothing but the field is mended.
LogRecord mended_record(const Reading& reading, Field field) {
  REQUIRE(reading.is_record());
  CHECK(reading.record().mended == field_bits(field));
  return reading.record();
}

// Whether the field, where a value is taken or left out, is mended, and nothing else.
void check_mended(Field field, const std::vector<const char*>& values) {
  for (const char* value : values) {
    INFO(to_string(field) << " " << value);
    mended_record(spoiled_with(to_string(field), value), field);
  }
}

}  // namespace

TEST_CASE("numbers and truth values are the text of a field that wants text") {
  const Reading code = spoiled_with("error_code", "503");
  CHECK(mended_record(code, Field::error_code).error_code == "503");
  const Reading source = spoiled_with("plan_source", "true");
  CHECK(mended_record(source, Field::plan_source).plan_source == "true");
  const Reading node = spoiled_with("node_id", "7");
  CHECK(mended_record(node, Field::node_id).node_id == "7");
  CHECK(node.record().is_node_record);
  const Reading pipeline = spoiled_with("pipeline_id", "1.5");
  CHECK(mended_record(pipeline, Field::pipeline_id).pipeline_id == "1.5");
  for (const Field field :
       {Field::user_id, Field::idempotency_key, Field::policy_version, Field::request_id}) {
    check_mended(field, {"7", "1.5", "true", "[]", "{\"a\":1}"});
  }
}

TEST_CASE("an id that is a number is its text, whole numbers without an exponent") {
  for (const char* id :
       {"1", "0", "-5", "123456789012345", "1234567890123456789", "18446744073709551615"}) {
    INFO(id);
    const Reading reading = spoiled_with("pipeline_run_id", id);
    CHECK(mended_record(reading, Field::pipeline_run_id).run_key == id);
  }
  const std::string longest = "340282366920938463463374607431768211455";
  CHECK(spoiled_with("pipeline_run_id", longest).record().run_key == longest);
  const Reading large = spoiled_with("pipeline_run_id", "1e6");
  CHECK(mended_record(large, Field::pipeline_run_id).run_key == "1000000");
  const Reading request =
      read_line(R"({"request_id":12,"created_at":"2026-02-25T06:00:00Z","status":"ok"})");
  CHECK(mended_record(request, Field::request_id).run_key == "12");
  CHECK(request.record().run_key_is_request);
}

TEST_CASE("arrays and objects are absent where a field wants anything else") {
  for (const char* value : {"[]", "{}", "[\"a\"]", "{\"code\":\"x\"}"}) {
    for (const Field field : {Field::error_code, Field::plan_source, Field::pipeline_id}) {
      const Reading reading = spoiled_with(to_string(field), value);
      const LogRecord record = mended_record(reading, field);
      CHECK((record.error_code.empty() && record.plan_source.empty()));
      CHECK(record.pipeline_id.empty());
    }
    // What stands in it is a reason, though not in words; nothing is none.
    const bool is_empty = std::string_view(value).size() == 2;
    CHECK(mended_record(spoiled_with("fallback_reason", value), Field::fallback_reason)
              .has_fallback_reason != is_empty);
  }
}

TEST_CASE("false and 0 say that there is no code and no reason") {
  for (const char* value : {"false", "0", "0.0"}) {
    for (const Field field :
         {Field::error_code, Field::verification_reason, Field::fallback_reason}) {
      const Reading reading = spoiled_with(to_string(field), value);
      const LogRecord record = mended_record(reading, field);
      CHECK(record.error_code.empty());
      CHECK_FALSE((record.has_verification_reason || record.has_fallback_reason));
    }
  }
  CHECK(spoiled_with("fallback_reason", "true").record().has_fallback_reason);
  CHECK(spoiled_with("verification_reason", "1").record().has_verification_reason);
}

TEST_CASE("the path of a run is a word or nothing") {
  check_mended(Field::execution_mode, {"7", "true", "[]"});
  CHECK(spoiled_with("execution_mode", "7").record().population == Population::dag);
}

TEST_CASE("the record of a node that cannot be read is no run record") {
  for (const char* value : {"[]", "{\"id\":7}", "true", "false"}) {
    const Reading reading = spoiled_with("node_id", value);
    const LogRecord record = mended_record(reading, Field::node_id);
    CHECK(record.is_node_record);
    CHECK(record.node_id == kUnreadNode);
  }
}

TEST_CASE("numbers are read from their text") {
  const Reading attempt = spoiled_with("attempt", R"("2")");
  CHECK(mended_record(attempt, Field::attempt).attempt == 2);
  const Reading duration = spoiled_with("duration_ms", R"(" 1234.5 ")");
  CHECK(mended_record(duration, Field::duration_ms).duration_ms == 1234.5);
  const Reading total = spoiled_with("fanout_total", R"("10")");
  CHECK(mended_record(total, Field::fanout_total).fanout_total == 10);
  const Reading tokens = spoiled_with("tokens_in", R"("77")");
  CHECK(mended_record(tokens, Field::tokens_in).tokens_in == 77U);
}

TEST_CASE("a field that decides is known where it is there but cannot be read") {
  const auto check = [](Field field, const char* value, bool is_unread) {
    INFO(to_string(field) << " " << value);
    const Reading reading = spoiled_with(to_string(field), value);
    REQUIRE(reading.is_record());
    CHECK(reading.record().unread == (is_unread ? unread_bit(field) : 0U));
  };
  for (const char* value : {"\"canary-2\"", "[\"canary\"]", "{}", "7", "true", "\" \""}) {
    check(Field::cohort, value, true);
  }
  for (const char* value : {"\"Canary\"", "\"\"", "null", "NaN"}) {
    check(Field::cohort, value, false);
  }
  check(Field::error_code, R"({"code": 7})", true);
  check(Field::error_code, "[]", true);
  for (const char* value : {"503", "false", "0", "true"}) check(Field::error_code, value, false);
  check(Field::compensation_status, "\"half\"", true);
  check(Field::execution_mode, "7", true);
  check(Field::execution_mode, "\"rule\"", false);
  check(Field::pipeline_id, "[1]", true);
  check(Field::pipeline_id, "1", false);
  check(Field::verification_reason, "{}", false);
  CHECK(read_line(run_line(",\"cohort\":\"x\",\"duration_ms\":Infinity")).record().unread ==
        (unread_bit(Field::cohort) | unread_bit(Field::duration_ms)));
}

TEST_CASE("a number that a field cannot have is absent") {
  for (const char* value : {"-5", "-0.001", "NaN", "1e400", R"("x")", R"("")", "true", "[]",
                            R"("nan")", R"("1e400")", R"("12ms")"}) {
    INFO(value);
    const Reading reading = spoiled_with("duration_ms", value);
    REQUIRE(reading.is_record());
    CHECK_FALSE(reading.record().duration_ms.has_value());
    const bool is_null = std::string_view(value) == "NaN" || std::string_view(value) == R"("")";
    CHECK(reading.record().mended == (is_null ? 0U : field_bits(Field::duration_ms)));
    const bool is_absent = std::string_view(value) == R"("")";
    CHECK(reading.record().unread == (is_absent ? 0U : unread_bit(Field::duration_ms)));
  }
  for (const char* value : {"0", "1.5", "-1", "4294967296", R"("x")", "false", "{}"}) {
    INFO(value);
    const Reading reading = spoiled_with("attempt", value);
    CHECK(mended_record(reading, Field::attempt).attempt == 1);
  }
  check_mended(Field::fanout_total, {"-1", "0.5", "9007199254740992", "18446744073709551615"});
  check_mended(Field::fanout_failed, {"-1", "[]"});
  check_mended(Field::fanout_index, {"-1", "4294967295", "\"a\""});
  check_mended(Field::tokens_out, {"-1", "1.5"});
  check_mended(Field::cost_micros, {"-1", "true"});
}

TEST_CASE("numbers in their usual forms are not mended") {
  CHECK(spoiled_with("attempt", "1.0").record().mended == 0);
  CHECK(spoiled_with("attempt", "4294967295").record().attempt == 4294967295U);
  CHECK(spoiled_with("fanout_total", "9007199254740991").record().fanout_total ==
        9007199254740991U);
  CHECK(spoiled_with("fanout_index", "0").record().fanout_index == 0U);
  CHECK(spoiled_with("duration_ms", "0").record().duration_ms == 0.0);
  CHECK(spoiled_with("duration_ms", "0.125").record().duration_ms == 0.125);
  CHECK(spoiled_with("duration_ms", "1e3").record().duration_ms == 1000.0);
  CHECK(spoiled_with("duration_ms", "1e-400").record().duration_ms == 0.0);
  CHECK(spoiled_with("duration_ms", "18446744073709551615").record().mended == 0);
}

TEST_CASE("truth values are read from their words and from 0 and 1") {
  CHECK(spoiled_with("idempotent_reuse", "true").record().mended == 0);
  for (const char* value : {R"("true")", R"("True")", R"("1")", "1"}) {
    const Reading reading = spoiled_with("idempotent_reuse", value);
    CHECK(mended_record(reading, Field::idempotent_reuse).idempotent_reuse);
  }
  for (const char* value : {R"("false")", R"("0")", "0", "2", R"("maybe")", "[]"}) {
    const Reading reading = spoiled_with("idempotent_reuse", value);
    CHECK_FALSE(mended_record(reading, Field::idempotent_reuse).idempotent_reuse);
  }
}

TEST_CASE("words are read in any case, and others are absent") {
  for (const char* value : {R"("Canary")", R"(" canary ")", R"("CANARY")"}) {
    const Reading reading = spoiled_with("cohort", value);
    CHECK(mended_record(reading, Field::cohort).cohort == Cohort::canary);
  }
  for (const char* value : {R"("baseline")", R"("none")", "7", "true", "[]"}) {
    const Reading reading = spoiled_with("cohort", value);
    CHECK(mended_record(reading, Field::cohort).cohort == Cohort::none);
  }
  const Reading undone = spoiled_with("compensation_status", R"("Failed")");
  CHECK(mended_record(undone, Field::compensation_status).compensation ==
        CompensationStatus::failed);
  check_mended(Field::compensation_status, {R"("done")", R"("none")", "0"});
}

TEST_CASE("status words are read in any case, and a timeout without a code has one") {
  CHECK(spoiled_with("status", R"("SUCCESS")").record().status == Status::succeeded);
  CHECK(spoiled_with("status", R"("Scheduled")").record().status == Status::pending);
  CHECK(spoiled_with("status", R"("Scheduled")").record().mended == 0);
  for (const char* word : {"timeout", "timed_out", "TimedOut", "TIMEOUT"}) {
    const std::string quoted = "\"" + std::string(word) + "\"";
    const Reading reading = spoiled_with("status", quoted);
    CHECK(reading.record().status == Status::failed);
    CHECK(reading.record().error_code == kTimeoutCode);
    const Reading coded = read_line(run_line(",\"error_code\":\"E\",\"status\":" + quoted));
    CHECK(coded.record().error_code == "E");
    const Reading node = read_line(run_line(",\"node_id\":\"n\",\"status\":" + quoted));
    CHECK(node.record().error_code == kTimeoutCode);
  }
  CHECK(spoiled_with("status", R"("aborted")").record().error_code.empty());
}

TEST_CASE("a mended field says what was found and what is wanted, and never whose it is") {
  const auto text = [](const char* field, const char* value) {
    const Reading reading = spoiled_with(field, value);
    REQUIRE(reading.is_record());
    return explain(reading.reader->mended_fault(*field_named(field)));
  };
  CHECK(text("user_id", "7") == "user_id: a number; wanted text");
  CHECK(text("duration_ms", "-5") == "duration_ms: the number -5; wanted a number from 0");
  CHECK(text("attempt", R"("x")") == "attempt: the text \"x\"; wanted a whole number from 1");
  CHECK(text("error_code", "{}") == "error_code: an array or an object; wanted text");
  CHECK(text("idempotent_reuse", R"("no")") ==
        "idempotent_reuse: the text \"no\"; wanted true or false");
  CHECK(text("cohort", R"("Canary")") ==
        "cohort: the text \"Canary\"; wanted canary or control as text; a mapping can read it: "
        R"("cohort": {"aliases": {"Canary": "canary"}})");
  CHECK(text("user_id", R"("Ann \ud83d")") == "user_id: text that is not Unicode; wanted text");
}

// Everything that a record can be spoiled with, and is kept for what it says all the same.
TEST_CASE("no spoiled field but identity, time and status changes how a run ended") {
  const std::vector<std::string> values{"7",
                                        "-1",
                                        "0",
                                        "1e400",
                                        "NaN",
                                        "-Infinity",
                                        "true",
                                        "false",
                                        "[]",
                                        "{}",
                                        "[[[{\"a\":1}]]]",
                                        "null",
                                        R"("")",
                                        R"("x")",
                                        "tru",
                                        R"("\x")",
                                        "1e999",
                                        R"("\ud83d")",
                                        "\"\xff\"",
                                        "\"a\tb\"",
                                        R"("\u12")",
                                        "+1",
                                        "01",
                                        ".5",
                                        R"(" ")",
                                        R"("NaN")",
                                        "\"\xc3\xa9\"",
                                        std::string(40, '9')};
  std::mt19937_64 random(16);
  for (int trial = 0; trial < 3000; ++trial) {
    const bool is_ok = random() % 2 == 0;
    std::string members = is_ok ? "" : R"(,"status":"failed")";
    for (const ContractField& field : kContractFields) {
      const Field known = *field_named(field.name);
      const bool is_needed = known == Field::pipeline_run_id || known == Field::request_id ||
                             known == Field::created_at || known == Field::status ||
                             known == Field::node_id || known == Field::execution_mode;
      if (is_needed || random() % 3 != 0) continue;
      members += ",\"" + std::string(field.name) + "\":" + values[random() % values.size()];
    }
    const Reading reading = read_line(run_line(members));
    INFO(members);
    REQUIRE(reading.is_record());
    REQUIRE(reading.record().status == (is_ok ? Status::succeeded : Status::failed));
    REQUIRE(reading.record().run_key == "r1");
    REQUIRE(reading.record().created_at == at("2026-02-25T06:00:00Z"));
    REQUIRE_FALSE(reading.record().is_node_record);
    REQUIRE(reading.record().population == Population::dag);
  }
}

}  // namespace dagloop::test
