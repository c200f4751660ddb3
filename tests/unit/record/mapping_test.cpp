#include "dagloop/record/mapping.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"

namespace dagloop {
namespace {

Mapping parse_mapping(const std::string& members) {
  const std::string text = R"({"schema": "dagloop.mapping/1")" + members + "}";
  return parse_mapping(parse_json(text, "m.json"), "m.json");
}

std::string mapping_fault_of(const std::string& members) {
  try {
    parse_mapping(members);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::config);
    return error.what();
  }
  return "no error";
}

bool schema_accepts(const std::string& members) {
  const std::string text = R"({"schema": "dagloop.mapping/1")" + members + "}";
  try {
    validate_schema(parse_json(text, "m.json"), "mapping", "m.json");
  } catch (const Error&) {
    return false;
  }
  return true;
}

TEST_CASE("a mapping that says nothing is the default one") {
  const Mapping mapping = parse_mapping("");
  CHECK(mapping.fields.empty());
  CHECK(mapping.detail_column == "detail");
  CHECK(mapping.created_at_marks == CreatedAtMarks::end);
  CHECK(mapping.outcome_node.empty());
}

TEST_CASE("a mapping reads columns, pointers, detail keys and aliases") {
  const Mapping mapping = parse_mapping(R"(, "detail_column": "info", "created_at_marks": "start",
      "outcome_node": "evaluate", "fields": {
        "status": {"column": "state", "aliases": {"done": "succeeded", "1": "failed"}},
        "node_id": {"pointer": "/node/id"},
        "attempt": {"detail": "try"},
        "cohort": {"aliases": {"A": "canary"}}})");
  CHECK(mapping.detail_column == "info");
  CHECK(mapping.created_at_marks == CreatedAtMarks::start);
  CHECK(mapping.outcome_node == "evaluate");
  REQUIRE(mapping.fields.size() == 4);
  CHECK(mapping.fields.at("status").source == FieldSource::column);
  CHECK(mapping.fields.at("status").name == "state");
  CHECK(mapping.fields.at("status").aliases.at("done") == "succeeded");
  CHECK(mapping.fields.at("node_id").source == FieldSource::pointer);
  CHECK(mapping.fields.at("node_id").name == "/node/id");
  CHECK(mapping.fields.at("attempt").source == FieldSource::detail);
  CHECK(mapping.fields.at("attempt").name == "try");
  CHECK(mapping.fields.at("cohort").source == FieldSource::column);
  CHECK(mapping.fields.at("cohort").name == "cohort");
}

TEST_CASE("faults of a mapping name the file and the key") {
  const std::pair<const char*, const char*> faults[] = {
      {R"(, "feilds": {})", "feilds"},
      {R"(, "fields": {"stat": {"column": "s"}})", "stat"},
      {R"(, "fields": {"status": {"colum": "s"}})", "fields.status"},
      {R"(, "fields": {"status": {"column": ""}})", "fields.status.column"},
      {R"(, "fields": {"status": {"detail": ""}})", "fields.status.detail"},
      {R"(, "fields": {"status": {"pointer": ""}})", "fields.status.pointer"},
      {R"(, "fields": {"status": {"pointer": "a/b"}})", "fields.status.pointer"},
      {R"(, "fields": {"status": {"pointer": "/a~2"}})", "fields.status.pointer"},
      {R"(, "fields": {"status": {"pointer": "/a~"}})", "fields.status.pointer"},
      {R"(, "fields": {"status": {"column": "a", "detail": "b"}})", "fields.status"},
      {R"(, "fields": {"status": {"column": "a", "pointer": "/b"}})", "fields.status"},
      {R"(, "fields": {"status": {"column": 1}})", "fields.status.column"},
      {R"(, "fields": {"status": {"aliases": {"a": 1}}})", "fields.status.aliases.a"},
      {R"(, "fields": {"duration_ms": {"column": "d", "unit": "days"}})",
       "fields.duration_ms.unit"},
      {R"(, "fields": {"created_at": {"column": "t", "epoch": "h"}})", "fields.created_at.epoch"},
      {R"(, "fields": {"created_at": {"column": "t", "zone": "CET"}})", "fields.created_at.zone"},
      {R"(, "fields": {"created_at": {"column": "t", "else": "u"}})", "fields.created_at.else"},
      {R"(, "fields": {"pipeline_run_id": []})", "fields.pipeline_run_id"},
      {R"(, "fields": {"pipeline_run_id": ["a", 1]})", "fields.pipeline_run_id[1]"},
      {R"(, "fields": {"pipeline_run_id": ["a", {"pointer": "b"}]})", "fields.pipeline_run_id[1]"},
      {R"(, "fields": {"duration_ms": {"from": {"column": "a"}, "to": {"col": "b"}}})",
       "fields.duration_ms.to.col"},
      {R"(, "only": {"pointer": "/type"})", "only.values"},
      {R"(, "only": {"pointer": "/type", "values": []})", "only.values"},
      {R"(, "only": {"pointer": "/type", "values": [{}]})", "only.values[0]"},
      {R"(, "only": ["match"])", "only"},
      {R"(, "records": "dag_runs")", "records"},
      {R"(, "fields": {"status": "state"})", "fields.status"},
      {R"(, "fields": [])", "fields"},
      {R"(, "created_at_marks": "middle")", "created_at_marks"},
      {R"(, "detail_column": "")", "detail_column"},
      {R"(, "outcome_node": 3)", "outcome_node"},
  };
  for (const auto& [members, place] : faults) {
    INFO(members);
    const std::string fault = mapping_fault_of(members);
    INFO(fault);
    CHECK(fault.find("m.json") != std::string::npos);
    CHECK(fault.find(place) != std::string::npos);
    CHECK_FALSE(schema_accepts(members));
  }
}

TEST_CASE("all faults of a mapping are named at once, each with its place") {
  const std::string fault = mapping_fault_of(
      R"(, "only": {"values": ["a"]}, "fields": {"status": {"colum": "s", "unit": "s"},
         "created_at": {"column": "t", "when_null": "running"}, "stat": 1,
         "error_code": {"column": "e", "epoch": "ms"},
         "attempt": {"from": {"column": "a"}}})");
  for (const char* place :
       {"only: has no place", "fields.status.colum: is not known", "fields.status.unit: is of dura",
        "fields.created_at: has when_null, but no else", "fields.stat: is not known",
        "fields.error_code: is no time", "fields.attempt: is no duration",
        "fields.attempt: has no to"}) {
    INFO(fault);
    CHECK(fault.find(place) != std::string::npos);
  }
}

TEST_CASE("no line is a record without a time and a status, each of one place") {
  const std::string fault = mapping_fault_of(
      R"(, "fields": {"created_at": null, "status": null, "duration_ms": ["a", "b"]})");
  for (const char* place : {"fields.created_at: no line is a record without it",
                            "fields.status: no line is a record without it",
                            "fields.duration_ms: is no text to be joined"}) {
    INFO(fault);
    CHECK(fault.find(place) != std::string::npos);
  }
  const std::string joined =
      mapping_fault_of(R"(, "fields": {"created_at": ["a", "b"], "status": ["a"]})");
  for (const char* place : {"fields.created_at: is no text", "fields.status: is no text"}) {
    INFO(joined);
    CHECK(joined.find(place) != std::string::npos);
  }
  for (const std::string field : {"created_at", "status", "duration_ms", "error_code"}) {
    CAPTURE(field);
    const bool is_text = field == "error_code";
    CHECK(schema_accepts(R"(, "fields": {")" + field + R"(": ["a", "b"]})") == is_text);
    CHECK(schema_accepts(R"(, "fields": {")" + field + R"(": null})") ==
          (is_text || field == "duration_ms"));
    CHECK(schema_accepts(R"(, "fields": {")" + field + R"(": {"column": "a"}})"));
    CHECK_FALSE(schema_accepts(R"(, "fields": {")" + field + R"(": {"colum": "a"}})"));
  }
  CHECK(parse_mapping(R"(, "fields": {"duration_ms": null})").fields.size() == 1);
}

TEST_CASE("a mapping says how values are made of places") {
  const std::string members = R"(, "records": "/runs/*/tries",
      "only": {"pointer": "/kind", "values": ["run", null, 1, true]}, "fields": {
        "pipeline_run_id": ["dag", {"pointer": "/run/id"}], "node_id": null,
        "created_at": {"column": "end", "zone": "UTC", "when_null": "running",
                       "else": {"column": "start", "epoch": "ms"}},
        "duration_ms": {"from": {"column": "start", "epoch": "ms"}, "to": {"column": "end"}}})";
  CHECK(schema_accepts(members));
  const Mapping mapping = parse_mapping(members);
  CHECK(mapping.records == "/runs/*/tries");
  CHECK(mapping.only->values == std::set<std::string>{"run", "", "1", "true"});
  CHECK(mapping.fields.at("node_id").form == FieldForm::none);
  CHECK(mapping.fields.at("pipeline_run_id").places().size() == 2);
  CHECK(mapping.fields.at("created_at").time.zone == "Z");
  CHECK(mapping.fields.at("created_at").others.front().time.epoch == Epoch::ms);
  CHECK(columns_of(mapping, "pipeline_run_id") == std::vector<std::string>{"dag", "run"});
  CHECK(columns_of(mapping, "duration_ms") == std::vector<std::string>{"start", "end"});
  CHECK(columns_of(mapping, "node_id").empty());
  CHECK(columns_of(mapping, "status") == std::vector<std::string>{"status"});
}

TEST_CASE("a mapping of another or no version is refused") {
  CHECK_THROWS_AS(parse_mapping(parse_json("{}", "m"), "m"), Error);
  CHECK_THROWS_AS(parse_mapping(parse_json(R"({"schema": "dagloop.mapping/2"})", "m"), "m"), Error);
  CHECK_THROWS_AS(parse_mapping(parse_json("[]", "m"), "m"), Error);
}

TEST_CASE("the contract has 26 fields, each of which can be mapped") {
  CHECK(contract_fields().size() == 26);
  for (const std::string_view field : contract_fields()) {
    const std::string members = R"(, "fields": {")" + std::string(field) + R"(": {"column": "x"}})";
    CHECK(parse_mapping(members).fields.at(std::string(field)).name == "x");
    CHECK(schema_accepts(members));
  }
}

TEST_CASE("the shipped mapping of command_logs is valid") {
  std::ifstream file(std::string(DAGLOOP_CONFIG_DIR) + "/mappings/command_logs.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Json document = parse_json(text, "command_logs.json");
  CHECK_NOTHROW(validate_schema(document, "mapping", "command_logs.json"));
  const Mapping mapping = parse_mapping(document, "command_logs.json");
  CHECK(mapping.fields.at("fallback_reason").name == "autonomous_fallback_reason");
  CHECK(mapping.fields.at("execution_mode").name == "dag_pipeline");
}

}  // namespace
}  // namespace dagloop
