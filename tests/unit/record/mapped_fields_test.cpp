#include <catch2/catch.hpp>
#include <string>

#include "dagloop/record/record_reader.hpp"
#include "reading.hpp"

namespace dagloop::test {
namespace {

Mapping mapped(const std::string& fields, const std::string& members = "") {
  const std::string text =
      R"({"schema":"dagloop.mapping/1")" + members + R"(,"fields":{)" + fields + "}}";
  return parse_mapping(parse_json(text, "m.json"), "m.json");
}

// A line with a status, a time and a run, of which `members` may say more.
std::string foreign(const std::string& members) {
  return R"({"id":"r1","state":"ok","end":"2026-02-25T06:00:00Z")" + members + "}";
}

const std::string kBase =
    R"("pipeline_run_id":{"column":"id"},"status":{"column":"state"},"created_at":{"column":"end"})";

std::optional<double> duration_of(const std::string& line, const std::string& duration) {
  const Reading reading = read_line(line, mapped(kBase + R"(,"duration_ms":)" + duration));
  return reading.record().duration_ms;
}

std::string time_of(const std::string& value, const std::string& created_at) {
  const Mapping mapping = mapped(R"("created_at":)" + created_at);
  const std::string line =
      R"({"pipeline_run_id":"r","status":"ok","t":)" + value + R"(,"u":"2026-02-25T01:00:00"})";
  const Reading reading = read_line(line, mapping);
  return reading.is_record() ? format_time(reading.record().created_at)
                             : std::string(to_string(reading.reason()));
}

TEST_CASE("a run is known by several columns joined, and a slash in one is no separator") {
  const Mapping mapping = mapped(R"("pipeline_run_id":["dag",{"pointer":"/run/id"}])");
  const auto key_of = [&](const std::string& members) {
    const std::string line =
        R"({"created_at":"2026-02-25T06:00:00Z","status":"ok")" + members + "}";
    const Reading reading = read_line(line, mapping);
    return reading.is_record() ? std::string(reading.record().run_key)
                               : std::string(to_string(reading.reason()));
  };
  CHECK(key_of(R"(,"dag":"orders","run":{"id":"a/b"})") == "orders/a/b");
  CHECK(key_of(R"(,"dag":"or/de%rs","run":{"id":7})") == "or%2Fde%25rs/7");
  CHECK(key_of(R"(,"dag":"orders","run":{"id":null})") == "missing_run_id");
  CHECK(key_of(R"(,"run":{"id":"x"})") == "missing_run_id");
  CHECK(key_of(R"(,"dag":{"a":1},"run":{"id":"x"})") == "wrong_type");
}

TEST_CASE("a field that does not exist is not read, whatever the log has under its name") {
  const std::string line = run_line(R"(,"node_id":"WFR_1","attempt":4)");
  CHECK(read_line(line).record().is_node_record);
  const Reading reading = read_line(line, mapped(R"("node_id":null,"attempt":null)"));
  CHECK_FALSE(reading.record().is_node_record);
  CHECK(reading.record().attempt == 1);
  CHECK(reading.record().mended == 0);
}

TEST_CASE("a missing end is a run in flight, whose time is that of another column") {
  const Mapping mapping =
      mapped(R"("created_at":{"column":"end","when_null":"running","else":{"column":"start"}})");
  for (const char* end : {"", R"(,"end":null)", R"(,"end":"")"}) {
    const Reading reading =
        read_line(R"({"pipeline_run_id":"r","status":"failed","start":"2026-02-25T05:00:00Z")" +
                      std::string(end) + "}",
                  mapping);
    CHECK(reading.record().status == Status::running);
    CHECK(format_time(reading.record().created_at) == "2026-02-25T05:00:00Z");
  }
  const Reading ended =
      read_line(R"({"pipeline_run_id":"r","status":"failed","start":"2026-02-25T05:00:00Z",)"
                R"("end":"2026-02-25T05:30:00Z"})",
                mapping);
  CHECK(ended.record().status == Status::failed);
  CHECK(format_time(ended.record().created_at) == "2026-02-25T05:30:00Z");
  CHECK(outcome_of(R"({"pipeline_run_id":"r","status":"failed"})", mapping) ==
        "missing_created_at");
  CHECK(outcome_of(R"({"pipeline_run_id":"r","status":"failed","end":"soon"})", mapping) ==
        "bad_time");
}

TEST_CASE("a word stands for nothing, and nothing for a word") {
  const Mapping mapping =
      mapped(R"("status":{"column":"s","when_null":"running","aliases":{"-":null,"2":"failed"}})");
  const auto status_of = [&](const std::string& value) {
    const std::string line =
        R"({"pipeline_run_id":"r","created_at":"2026-02-25T06:00:00Z")" + value + "}";
    return read_line(line, mapping).record().status;
  };
  CHECK(status_of("") == Status::running);
  CHECK(status_of(R"(,"s":null)") == Status::running);
  CHECK(status_of(R"(,"s":"-")") == Status::running);
  CHECK(status_of(R"(,"s":2)") == Status::failed);
  CHECK(status_of(R"(,"s":"Success")") == Status::succeeded);
}

TEST_CASE("the first place that has a value is read") {
  const Mapping mapping = mapped(
      R"("tokens_in":{"pointer":"/a/new","else":{"pointer":"/a/old","else":{"column":"t"}}})");
  const auto tokens_of = [&](const std::string& members) {
    return read_line(run_line(members), mapping).record().tokens_in;
  };
  CHECK(tokens_of(R"(,"a":{"new":1,"old":2},"t":3)") == 1);
  CHECK(tokens_of(R"(,"a":{"old":"2"},"t":3)") == 2);
  CHECK(tokens_of(R"(,"a":{},"t":3)") == 3);
  CHECK_FALSE(tokens_of("").has_value());
}

TEST_CASE("times are counted since 1970, as numbers and as text") {
  CHECK(time_of("1772002800", R"({"column":"t","epoch":"s"})") == "2026-02-25T07:00:00Z");
  CHECK(time_of("1772002800.25", R"({"column":"t","epoch":"s"})") == "2026-02-25T07:00:00.250Z");
  CHECK(time_of("\"1772002800250\"", R"({"column":"t","epoch":"ms"})") ==
        "2026-02-25T07:00:00.250Z");
  CHECK(time_of("1772002800250001", R"({"column":"t","epoch":"us"})") ==
        "2026-02-25T07:00:00.250001Z");
  for (const char* ns : {"1772002800250001999", "\"1772002800250001999\""}) {
    CHECK(time_of(ns, R"({"column":"t","epoch":"ns"})") == "2026-02-25T07:00:00.250001Z");
  }
  CHECK(time_of("0", R"({"column":"t","epoch":"ns"})") == "missing_created_at");
  CHECK(time_of("\"0\"", R"({"column":"t","epoch":"ns"})") == "missing_created_at");
  CHECK(time_of("-5", R"({"column":"t","epoch":"s"})") == "wrong_type");
  CHECK(time_of("1e300", R"({"column":"t","epoch":"s"})") == "wrong_type");
  CHECK(time_of("true", R"({"column":"t","epoch":"s"})") == "wrong_type");
  CHECK(time_of("\"soon\"", R"({"column":"t","epoch":"s"})") == "bad_time");
  CHECK(time_of("1772002800", R"({"column":"t"})") == "wrong_type");
  CHECK(time_of("1772002800", R"({"column":"t","epoch":"ms"})") == "1970-01-21T12:13:22.800Z");
  CHECK(time_of("1790000000000", R"({"column":"t","epoch":"ms"})") == "future_time");
}

TEST_CASE("a time without a zone has that of the mapping, and any other its own") {
  const std::string kyoto = R"({"column":"t","zone":"+09:00"})";
  CHECK(time_of("\"2026-02-25T09:00:00\"", kyoto) == "2026-02-25T00:00:00Z");
  CHECK(time_of("\"2026-02-25 09:00:00.5\"", kyoto) == "2026-02-25T00:00:00.500Z");
  CHECK(time_of("\"2026-02-25T09:00:00Z\"", kyoto) == "2026-02-25T09:00:00Z");
  CHECK(time_of("\"2026-02-25T09:00:00+01:00\"", kyoto) == "2026-02-25T08:00:00Z");
  CHECK(time_of("\"2026-02-25T09:00:00.123+0100\"", kyoto) == "2026-02-25T08:00:00.123Z");
  CHECK(time_of("\"2026-02-25 09:00:00+01\"", kyoto) == "2026-02-25T08:00:00Z");
  CHECK(time_of("\"2026-02-25 09:00:00 UTC\"", kyoto) == "2026-02-25T09:00:00Z");
  CHECK(time_of("\"2026-02-25\"", kyoto) == "bad_time");
  CHECK(time_of("\"\"", R"({"column":"t","zone":"UTC","else":{"column":"u","zone":"UTC"}})") ==
        "2026-02-25T01:00:00Z");
  CHECK(time_of("\"2026-02-25T09:00:00\"", R"({"column":"t"})") == "bad_time");
}

TEST_CASE("a duration is read in its unit, as a number and as text") {
  CHECK(duration_of(foreign(R"(,"d":3.25)"), R"({"column":"d","unit":"s"})") == 3250);
  CHECK(duration_of(foreign(R"(,"d":"3.25")"), R"({"column":"d","unit":"s"})") == 3250);
  CHECK(duration_of(foreign(R"(,"d":1500000)"), R"({"column":"d","unit":"ns"})") == 1.5);
  CHECK(duration_of(foreign(R"(,"d":"2")"), R"({"column":"d","unit":"m"})") == 120'000);
  CHECK(duration_of(foreign(R"(,"d":7)"), R"({"column":"d","unit":"us"})") == 0.007);
  CHECK_FALSE(duration_of(foreign(""), R"({"column":"d","unit":"s"})").has_value());
  const Mapping mapping = mapped(kBase + R"(,"duration_ms":{"column":"d","unit":"s"})");
  CHECK(read_line(foreign(R"(,"d":"3.25")"), mapping).record().mended == 0);
}

TEST_CASE("a duration that cannot be read is told, never taken for none") {
  const std::string between =
      R"({"from":{"column":"start","zone":"UTC"},"to":{"column":"end","zone":"UTC"}})";
  for (const auto& [members, form] : std::vector<std::pair<std::string, std::string>>{
           {R"(,"d":"long")", R"({"column":"d","unit":"s"})"},
           {R"(,"d":-3)", R"({"column":"d","unit":"s"})"},
           {R"(,"d":{})", R"({"column":"d","unit":"s"})"},
           {R"(,"d":NaN)", R"({"column":"d","unit":"s"})"},
           {R"(,"start":"soon")", between},
           {R"(,"start":true)", between},
           {R"(,"start":"2026-02-25T07:00:00")", between}}) {
    INFO(members);
    const Reading reading =
        read_line(foreign(members), mapped(kBase + R"(,"duration_ms":)" + form));
    CHECK_FALSE(reading.record().duration_ms.has_value());
    CHECK(reading.record().unread == unread_bit(Field::duration_ms));
  }
}

TEST_CASE("a duration is the time between two others") {
  const std::string between = R"({"from":{"column":"start"},"to":{"column":"end"}})";
  CHECK(duration_of(foreign(R"(,"start":"2026-02-25T05:59:58.5Z")"), between) == 1500);
  CHECK_FALSE(duration_of(foreign(""), between).has_value());
  CHECK(read_line(foreign(""), mapped(kBase + R"(,"duration_ms":)" + between)).record().unread ==
        0);
  const std::string epochs =
      R"({"from":{"column":"a","epoch":"ns"},"to":{"column":"b","epoch":"ms"}})";
  CHECK(duration_of(foreign(R"(,"a":"1772002800000000000","b":1772002800250)"), epochs) == 250);
}

TEST_CASE("lines that the mapping says are no records are other lines, never malformed") {
  const Mapping mapping =
      mapped("", R"(,"only":{"pointer":"/type","values":["match",true,7,null]})");
  const auto kind_of = [&](const std::string& line) {
    return std::holds_alternative<OtherLine>(read_line(line, mapping).result)
               ? "other"
               : outcome_of(line, mapping);
  };
  for (const char* type : {R"("match")", "true", "7", "null", R"("")"}) {
    CHECK(kind_of(run_line(std::string(R"(,"type":)") + type)) == "record");
  }
  CHECK(kind_of(run_line()) == "record");
  for (const char* type : {R"("sampling")", "false", "8", "{}", "[]"}) {
    CHECK(kind_of(std::string(R"({"type":)") + type + "}") == "other");
  }
  CHECK(kind_of(R"({"type":"match"})") == "missing_created_at");
  CHECK(kind_of(R"({"type":"sampling","text":"\ud83d","n":NaN})") == "other");
  CHECK(kind_of(R"({"type":"sampling","text":"cut of)") == "other");
  CHECK(kind_of(R"({"text":"cut of)") == "not_json_object");
  CHECK(kind_of("[1]") == "not_json_object");
  const Mapping never_null = mapped("", R"(,"only":{"column":"type","values":["match"]})");
  CHECK(std::holds_alternative<OtherLine>(read_line(run_line(), never_null).result));
  CHECK(outcome_of(R"({"text":"cut of)", never_null) == "not_json_object");
}

TEST_CASE("attributes are found by key in lists of pairs, in objects and in texts of JSON") {
  const Mapping mapping = mapped(
      R"("plan_source":{"pointer":"/attributes/gen_ai.system"},)"
      R"("tokens_in":{"pointer":"/attributes/n"},"error_code":{"pointer":"/attributes/e/0/code"})");
  for (const char* attributes :
       {R"([{"key":"x","value":{"stringValue":"y"}},)"
        R"({"key":"gen_ai.system","value":{"stringValue":"openai"}},)"
        R"({"key":"n","value":{"intValue":"12"}},{"key":"e","value":{"arrayValue":{"values":)"
        R"([{"code":"E1"}]}}}])",
        R"({"gen_ai.system":"openai","n":12,"e":[{"code":"E1"}]})",
        R"([{"key":"gen_ai.system","value":"openai"},{"key":"n","type":"int64","value":12},)"
        R"({"key":"e","value":[{"code":"E1"}]}])",
        R"("{\"gen_ai.system\":\"openai\",\"n\":12,\"e\":[{\"code\":\"E1\"}]}")"}) {
    INFO(attributes);
    const Reading reading =
        read_line(run_line(std::string(R"(,"attributes":)") + attributes), mapping);
    CHECK(reading.record().plan_source == "openai");
    CHECK(reading.record().tokens_in == 12);
    CHECK(reading.record().error_code == "E1");
    CHECK(reading.record().mended == 0);
  }
  for (const char* attributes : {"null", "[]", "5", R"("{cut")", R"([{"key":"n"}])", "[[1]]"}) {
    const Reading reading =
        read_line(run_line(std::string(R"(,"attributes":)") + attributes), mapping);
    CHECK(reading.record().plan_source.empty());
    CHECK_FALSE(reading.record().tokens_in.has_value());
  }
}

TEST_CASE("ids may be numbers, also those that no double holds") {
  const Mapping mapping = mapped(R"("pipeline_run_id":{"pointer":"/id"},"user_id":["uid"])");
  const Reading reading = read_line(R"({"id":18446744073709551615,"uid":12345678901,"status":"ok",)"
                                    R"("created_at":"2026-02-25T06:00:00Z"})",
                                    mapping);
  CHECK(reading.record().run_key == "18446744073709551615");
  CHECK(reading.record().user_id == "12345678901");
  CHECK(reading.record().mended == 0);
}

TEST_CASE("what stands in a column that a mapping names is as the log has it, and not mended") {
  const Mapping mapping = mapped(
      kBase + R"(,"user_id":{"column":"uid"},"node_id":{"column":"task","aliases":{"0":null}},)"
              R"("pipeline_id":{"column":"flow"},"attempt":{"column":"try"},"duration_ms":)"
              R"({"column":"ms"},"idempotent_reuse":{"column":"reuse"},)"
              R"("error_code":{"column":"code"})");
  const auto read = [&](const std::string& members) {
    return read_line(
        R"({"id":18446744073709551615,"state":"ok","end":"2026-02-25T06:00:00Z")" + members + "}",
        mapping);
  };
  const Reading plain =
      read(R"(,"uid":12,"task":7,"flow":1.5,"try":"2","ms":" 12.5 ","reuse":"True")");
  CHECK(plain.record().run_key == "18446744073709551615");
  CHECK(plain.record().user_id == "12");
  CHECK(plain.record().node_id == "7");
  CHECK(plain.record().pipeline_id == "1.5");
  CHECK(plain.record().attempt == 2);
  CHECK(plain.record().duration_ms == 12.5);
  CHECK(plain.record().idempotent_reuse);
  CHECK(plain.record().mended == 0);
  const Reading next = read(R"(,"uid":"u","task":0,"try":3,"ms":1,"reuse":false)");
  CHECK_FALSE(next.record().is_node_record);
  CHECK(next.record().mended == 0);
  // What cannot be read is, and so is a code or a word that is a number, and another name's value.
  const Reading odd = read(R"(,"uid":true,"try":"many","ms":"9 s","reuse":2,"code":503,"cohort":1,)"
                           R"("policy_version":3)");
  CHECK(odd.record().error_code == "503");
  CHECK(odd.record().mended == field_bits(Field::user_id, Field::attempt, Field::duration_ms,
                                          Field::idempotent_reuse, Field::error_code, Field::cohort,
                                          Field::policy_version));
}

TEST_CASE("a mapping of more places than a flat line has is read in the same way") {
  std::string fields;
  std::string members;
  for (const std::string_view field : contract_fields()) {
    if (type_of(*field_named(field)) != FieldType::text || field == "status") continue;
    const std::string name(field);
    fields += (fields.empty() ? "\"" : ",\"") + name + R"(":[")" + name + R"(_a",")" + name +
              R"(_b",")" + name + R"(_c"])";
    for (const char* part : {"_a", "_b", "_c"}) {
      members += ",\"" + name + part + "\":\"" + part + "\"";
    }
  }
  const Reading reading = read_line(run_line(members), mapped(fields));
  CHECK(reading.record().run_key == "_a/_b/_c");
  CHECK(reading.record().pipeline_id == "_a/_b/_c");
}

}  // namespace
}  // namespace dagloop::test
