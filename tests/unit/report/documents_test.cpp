#include "dagloop/report/documents.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"
#include "make_quality.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

using test::Random;

KpiPartial random_partial(Random& random) {
  KpiPartial partial;
  partial.total_runs = 1 + random.below(500);
  partial.succeeded = random.below(partial.total_runs + 1);
  partial.in_flight = random.below(5);
  partial.derived_runs = random.below(5);
  partial.fanout_total = random.below(50);
  partial.error_codes = {{"TOOL_TIMEOUT", random.below(9)}, {"we\"ird|\n", random.below(9)}};
  partial.nodes["n/1"] = test::make_node(40, random.below(40), 10, random.below(10));
  partial.plan_sources["llm"] = {20, random.below(20)};
  for (std::uint64_t i = random.below(40); i > 0; --i) {
    partial.latency.add(static_cast<double>(random.below(1'000'000)) / 7);
  }
  return partial;
}

Quality random_quality(Random& random) {
  PartialSet set;
  for (const Cohort cohort : {Cohort::none, Cohort::canary, Cohort::control}) {
    if (random.chance(0.3)) continue;
    set.partials[{test::kCurrentWindow.start, Population::dag, cohort}] = random_partial(random);
    set.partials[{test::kBaselineWindow.start, Population::dag, cohort}] = random_partial(random);
  }
  if (random.chance(0.5)) {
    set.partials[{test::kCurrentWindow.start, Population::non_dag, Cohort::none}] =
        random_partial(random);
  }
  Quality quality;
  quality.generated_at = test::kAsOf + std::chrono::milliseconds(random.below(100'000));
  quality.as_of = test::kAsOf;
  quality.current = compute_window_kpis(set, test::kCurrentWindow, ErrorClasses());
  if (random.chance(0.8)) {
    quality.baseline = compute_window_kpis(set, test::kBaselineWindow, ErrorClasses());
  }
  quality.input.records = 100 + random.below(100);
  quality.input.duplicates = random.below(9);
  if (random.chance(0.5)) quality.input.reject("log.jsonl", 7, RejectReason::bad_time);
  if (random.chance(0.8)) quality.input.newest_record = test::kAsOf - std::chrono::minutes(3);
  return quality;
}

Decision example_decision() {
  Decision decision;
  decision.generated_at = test::kAsOf;
  decision.as_of = test::kAsOf;
  decision.action = Action::promote;
  decision.verdict = Verdict::PASS;
  decision.current_percent = 10;
  decision.next_percent = 30;
  decision.triggers.push_back({"success_drop",
                               "pipeline_success_rate",
                               TriggerState::quiet,
                               0.95,
                               0.96,
                               10,
                               40,
                               400,
                               {"success_drop_quiet", "fine"}});
  decision.reasons.push_back({"gate_pass", "every check passed"});
  decision.recommendations.push_back({"r", "g", 1, "DAG_NODE_TIMEOUT_MS", "1", "2", "why", "3 of 4",
                                      "fewer timeouts", "clipped to 2"});
  decision.patch["DAG_ROLLOUT_PERCENT"] = {"10", "30"};
  decision.env_sha256 = std::string(64, 'a');
  decision.expires_at = test::kAsOf + std::chrono::hours(24);
  decision.proposed_by = "tester";
  return decision;
}

}  // namespace

TEST_CASE("a quality report fits its schema and reads back as it was") {
  Random random(21);
  for (int round = 0; round < 60; ++round) {
    const Quality quality = random_quality(random);
    const Json document = quality_to_json(quality);
    REQUIRE_NOTHROW(validate_schema(document, "quality_report", "report"));
    REQUIRE(quality_from_json(parse_json(to_pretty_json(document), "report"), "report") == quality);
  }
}

TEST_CASE("a report of another schema, or without a KPI, is refused with its key") {
  Random random(22);
  Json document = quality_to_json(random_quality(random));
  Json other = document;
  other["schema"] = "dagloop.quality_report/2";
  CHECK_THROWS_WITH(quality_from_json(other, "r.json"), Catch::Contains("r.json: schema"));
  Json lacking = document;
  auto& kpis = lacking["populations"]["dag"]["kpis"].as_object();
  kpis.erase(kpis.begin());
  CHECK_THROWS_WITH(quality_from_json(lacking, "r.json"), Catch::Contains("pipeline_success_rate"));
  Json negative = document;
  negative["input"]["records"] = -1;
  CHECK_THROWS_WITH(quality_from_json(negative, "r.json"), Catch::Contains("input.records"));
}

TEST_CASE("a gate document fits its schema and reads back as it was") {
  Random random(23);
  for (int round = 0; round < 40; ++round) {
    const Quality quality = random_quality(random);
    const GateResult gate = evaluate_gate(default_gate(), quality, DataLimits());
    const Json document = gate_to_json(gate, quality);
    REQUIRE_NOTHROW(validate_schema(document, "gate", "gate"));
    const GateResult read = gate_from_json(document, quality, "gate");
    REQUIRE(read.verdict == gate.verdict);
    REQUIRE(to_compact_json(gate_to_json(read, quality)) == to_compact_json(document));
  }
}

TEST_CASE("a gate document that judges another report is refused") {
  Random random(24);
  Quality quality = random_quality(random);
  const Json document = gate_to_json(evaluate_gate(default_gate(), quality, DataLimits()), quality);
  quality.as_of += kSlot;
  CHECK_THROWS_WITH(gate_from_json(document, quality, "g.json"),
                    Catch::Contains("judges another report"));
}

TEST_CASE("a decision document fits its schema and reads back what an apply needs") {
  const Decision decision = example_decision();
  const Json document = decision_to_json(decision);
  REQUIRE_NOTHROW(validate_schema(document, "decision", "decision"));
  const Decision read = decision_from_json(parse_json(to_pretty_json(document), "d"), "d");
  CHECK(read.action == decision.action);
  CHECK(read.patch == decision.patch);
  CHECK(read.env_sha256 == decision.env_sha256);
  CHECK(read.expires_at == decision.expires_at);
  CHECK(read.next_percent == decision.next_percent);
  CHECK(read.recommendations == decision.recommendations);
  CHECK(read.proposed_by == decision.proposed_by);
  CHECK(read.approval == decision.approval);
}

TEST_CASE("the same decision gives the same bytes") {
  CHECK(to_pretty_json(decision_to_json(example_decision())) ==
        to_pretty_json(decision_to_json(example_decision())));
}

TEST_CASE("changing any member of a decision document is detected by its digest") {
  const Json document = decision_to_json(example_decision());
  for (const auto& [key, value] : document.as_object()) {
    if (key == "schema") continue;  // refused before the digest is looked at
    Json edited = document;
    edited[key] = "edited";
    CAPTURE(key);
    CHECK_THROWS_AS(decision_from_json(edited, "d"), Error);
    if (key != "digest") CHECK(decision_digest(edited) != decision_digest(document));
  }
  Json added = document;
  added["extra"] = 1;
  CHECK_THROWS_WITH(decision_from_json(added, "d"), Catch::Contains("edited"));
}

TEST_CASE("the order of members does not change a decision's digest") {
  const Json document = decision_to_json(example_decision());
  Json::Object reversed(document.as_object().rbegin(), document.as_object().rend());
  CHECK(decision_digest(Json(std::move(reversed))) == decision_digest(document));
}

}  // namespace dagloop
