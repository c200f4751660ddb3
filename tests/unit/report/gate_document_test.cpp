#include <catch2/catch.hpp>
#include <functional>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/report/documents.hpp"
#include "make_documents.hpp"

namespace dagloop {
namespace {

using test::Random;

Quality small_quality() {
  return test::QualityBuilder().current(test::make_runs(400, 380)).build();
}

Json small_document() {
  return gate_to_json(evaluate_gate(default_gate(), small_quality(), DataLimits()),
                      small_quality());
}

std::string gate_complaint(const Json& document) {
  try {
    gate_from_json(document, small_quality(), "g.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("a gate document fits its schema and reads back as it was") {
  Random random(23);
  for (int round = 0; round < 40; ++round) {
    const Quality quality = test::random_quality(random);
    std::vector<GateCheck> checks = default_gate();
    checks.push_back(
        {"p95_latency_ms", Population::non_dag, Comparator::below, 90'000, 5, Severity::warn});
    checks.push_back(
        {"attempts_per_node", Population::dag, Comparator::above, 0.5, 5, Severity::fail});
    const GateResult gate = evaluate_gate(checks, quality, DataLimits());
    const Json document = gate_to_json(gate, quality);
    REQUIRE_NOTHROW(validate_schema(document, "gate", "gate"));
    const GateResult read = gate_from_json(document, quality, "gate");
    REQUIRE(read.verdict == gate.verdict);
    REQUIRE(read.checks.size() == gate.checks.size());
    REQUIRE(to_compact_json(gate_to_json(read, quality)) == to_compact_json(document));
  }
}

TEST_CASE("a gate document says of each check what was asked and what was found") {
  Json document = small_document();
  const Json& check = document["checks"].as_array()[0];
  CHECK(check.find("kpi")->as_string() == "pipeline_success_rate");
  CHECK(check.find("population")->as_string() == "dag");
  CHECK(check.find("comparator")->as_string() == ">=");
  CHECK(check.find("threshold")->as_number() == 0.9);
  CHECK(check.find("status")->as_string() == "pass");
  CHECK(check.find("value")->as_number() == 0.95);
  CHECK(check.find("sample_count")->as_integer() == 400);
  CHECK(check.find("ci95")->as_array().size() == 2);
  CHECK(check.find("reason")->find("code")->as_string() == "pipeline_success_rate_ok");
}

TEST_CASE("a gate document that judges another report is refused") {
  const Json document = small_document();
  Quality later = small_quality();
  later.as_of += kSlot;
  CHECK_THROWS_WITH(gate_from_json(document, later, "g.json"),
                    Catch::Contains("judges another report"));
  Quality longer = small_quality();
  longer.current.window.start -= kSlot;
  CHECK_THROWS_WITH(gate_from_json(document, longer, "g.json"),
                    Catch::Contains("judges another report"));
}

TEST_CASE("an unknown word in a gate document is refused, never taken for another") {
  const Json document = small_document();
  for (const char* key : {"population", "comparator", "severity", "status"}) {
    Json edited = document;
    edited["checks"].as_array()[0][key] = "other";
    CAPTURE(key);
    CHECK_THAT(gate_complaint(edited), Catch::Contains(std::string("checks[0].") + key));
    CHECK_THROWS_AS(validate_schema(edited, "gate", "g.json"), Error);
  }
  Json edited = document;
  edited["verdict"] = "pass";
  CHECK_THAT(gate_complaint(edited), Catch::Contains("g.json: verdict"));
  CHECK_THROWS_AS(validate_schema(edited, "gate", "g.json"), Error);
}

TEST_CASE("a gate document that lacks any member of it or of a check is refused") {
  const Json document = small_document();
  for (const auto& [key, value] : document.as_object()) {
    Json lacking = document;
    std::erase_if(lacking.as_object(),
                  [&key = key](const auto& member) { return member.first == key; });
    CAPTURE(key);
    CHECK_THROWS_AS(validate_schema(lacking, "gate", "g.json"), Error);
    if (key != "generated_at") CHECK_THAT(gate_complaint(lacking), Catch::Contains(key));
  }
  for (const auto& [key, value] : document.find("checks")->as_array()[0].as_object()) {
    Json lacking = document;
    std::erase_if(lacking["checks"].as_array()[0].as_object(),
                  [&key = key](const auto& member) { return member.first == key; });
    CAPTURE(key);
    CHECK_THROWS_AS(validate_schema(lacking, "gate", "g.json"), Error);
  }
}

TEST_CASE("the gate's schema refuses members and shapes that no gate document has") {
  const auto refused = [](const std::function<void(Json&)>& edit) {
    Json document = small_document();
    edit(document);
    CHECK_THROWS_AS(validate_schema(document, "gate", "g.json"), Error);
  };
  refused([](Json& document) { document["extra"] = 1; });
  refused([](Json& document) { document["window"]["length"] = 1; });
  refused([](Json& document) { document["as_of"] = "now"; });
  refused([](Json& document) { document["checks"].as_array()[0]["ci95"] = Json(Json::Array{1}); });
  refused([](Json& document) { document["checks"].as_array()[0]["reason"] = "low"; });
  refused([](Json& document) { document["reasons"].push_back("low"); });
}

}  // namespace dagloop
