#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/gate.hpp"

namespace dagloop {
namespace {

std::vector<GateCheck> parse_checks(const std::string& text) {
  const Json document = parse_json(text, "gate.json");
  return parse_gate(JsonReader(document, "gate.json"));
}

std::string check(const std::string& members) { return R"({"checks": [{)" + members + "}]}"; }

TEST_CASE("a check is read with all its members") {
  const auto checks = parse_checks(check(R"("kpi": "error_rate.auth", "population": "non_dag",
      "comparator": "<", "threshold": 0.02, "min_sample": 50, "severity": "warn")"));
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].kpi == "error_rate.auth");
  CHECK(checks[0].population == Population::non_dag);
  CHECK(checks[0].comparator == Comparator::below);
  CHECK(checks[0].threshold == 0.02);
  CHECK(checks[0].min_sample == 50);
  CHECK(checks[0].severity == Severity::warn);
}

TEST_CASE("population, sample and severity of a check have defaults") {
  const auto checks =
      parse_checks(check(R"("kpi": "p95_latency_ms", "comparator": "<=", "threshold": 60000)"));
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].population == Population::dag);
  CHECK(checks[0].min_sample == 20);
  CHECK(checks[0].severity == Severity::fail);
  CHECK(checks[0].threshold == 60000);
}

TEST_CASE("an empty list of checks is read, and left to the gate to refuse") {
  CHECK(parse_checks(R"({"checks": []})").empty());
}

TEST_CASE("a faulty check is refused with its place") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"("kpi": "success", "comparator": ">=", "threshold": 0.9)", "checks[0].kpi"},
      {R"("kpi": "pipeline_success_rate", "comparator": "==", "threshold": 0.9)",
       "checks[0].comparator"},
      {R"("kpi": "pipeline_success_rate", "comparator": ">=", "threshold": 90)",
       "checks[0].threshold"},
      {R"("kpi": "error_rate.auth", "comparator": "<=", "threshold": 1.5)", "checks[0].threshold"},
      {R"("kpi": "p95_latency_ms", "comparator": "<=", "threshold": -1)", "checks[0].threshold"},
      {R"("kpi": "p95_latency_ms", "comparator": "<=", "threshold": "1")", "checks[0].threshold"},
      {R"("kpi": "pipeline_success_rate", "comparator": ">=", "threshold": 0.9,
          "population": "all")",
       "checks[0].population"},
      {R"("kpi": "pipeline_success_rate", "comparator": ">=", "threshold": 0.9,
          "severity": "error")",
       "checks[0].severity"},
      {R"("kpi": "pipeline_success_rate", "comparator": ">=", "threshold": 0.9,
          "min_sample": 0)",
       "checks[0].min_sample"},
      {R"("kpi": "pipeline_success_rate", "comparator": ">=", "treshold": 0.9)", "treshold"},
      {R"("kpi": "pipeline_success_rate", "comparator": ">=")", "threshold"},
      {R"("comparator": ">=", "threshold": 0.9)", "kpi"}};
  for (const auto& [members, place] : cases) {
    CAPTURE(members);
    CHECK_THROWS_WITH(parse_checks(check(members)),
                      Catch::Contains("gate.json") && Catch::Contains(place));
  }
}

TEST_CASE("a gate document is refused without checks or with another key") {
  CHECK_THROWS_AS(parse_checks("{}"), Error);
  CHECK_THROWS_AS(parse_checks(R"({"checks": [], "verdict": "PASS"})"), Error);
}

TEST_CASE("every KPI of the contract can be checked") {
  for (const std::string& name : kpi_names()) {
    CAPTURE(name);
    CHECK(parse_checks(check(R"("kpi": ")" + name + R"(", "comparator": "<=", "threshold": 1)"))[0]
              .kpi == name);
  }
}

TEST_CASE("the words of the gate are read back as they print") {
  for (const Verdict verdict : {Verdict::PASS, Verdict::FAIL, Verdict::INSUFFICIENT}) {
    CHECK(parse_verdict(to_string(verdict)) == verdict);
  }
  for (const Comparator comparator :
       {Comparator::at_least, Comparator::above, Comparator::at_most, Comparator::below}) {
    CHECK(parse_comparator(to_string(comparator)) == comparator);
  }
  CHECK(to_string(Verdict::INSUFFICIENT) == "INSUFFICIENT");
  CHECK(to_string(Comparator::at_least) == ">=");
  CHECK(to_string(Severity::warn) == "warn");
  CHECK(to_string(Severity::fail) == "fail");
  CHECK(to_string(CheckStatus::pass) == "pass");
  CHECK(to_string(CheckStatus::fail) == "fail");
  CHECK(to_string(CheckStatus::warn) == "warn");
  CHECK(to_string(CheckStatus::insufficient) == "insufficient");
  CHECK(parse_verdict("pass") == std::nullopt);
  CHECK(parse_comparator("=>") == std::nullopt);
}

TEST_CASE("comparators hold on their threshold or not, as their signs say") {
  CHECK(holds(0.9, Comparator::at_least, 0.9));
  CHECK_FALSE(holds(0.9, Comparator::above, 0.9));
  CHECK(holds(0.9, Comparator::at_most, 0.9));
  CHECK_FALSE(holds(0.9, Comparator::below, 0.9));
  CHECK(holds(0.91, Comparator::above, 0.9));
  CHECK_FALSE(holds(0.89, Comparator::at_least, 0.9));
  CHECK(holds(0.89, Comparator::below, 0.9));
  CHECK_FALSE(holds(0.91, Comparator::at_most, 0.9));
}

}  // namespace
}  // namespace dagloop
