#include <catch2/catch.hpp>

#include "dagloop/report/page.hpp"
#include "make_codes.hpp"
#include "make_documents.hpp"

namespace dagloop {
namespace {

using test::QualityBuilder;

KpiPartial runs_of(std::uint64_t runs, std::uint64_t failed, const std::string& source) {
  KpiPartial partial = test::make_runs(runs, runs - failed);
  partial.plan_sources[source] = {runs, runs - failed};
  return partial;
}

std::vector<std::string> wrong(const Quality& quality, const GateResult* gate = nullptr,
                               const Decision* decision = nullptr) {
  return what_is_wrong({quality, gate, decision, {}});
}

std::string page_of(const Quality& quality, const GateResult* gate = nullptr) {
  return render_markdown(compose_quality_page({quality, gate, nullptr, {}}));
}

// 10 % of 500 runs against 10 % of 500.
Quality even_quality() {
  return QualityBuilder()
      .current(runs_of(500, 50, "llm"), Cohort::canary)
      .current(runs_of(500, 50, "llm"), Cohort::control)
      .build();
}

// The drop is one of LLM_TIMEOUT at the node rank, and of the plan source llm alone.
Quality dropped_quality() {
  KpiPartial canary = runs_of(250, 60, "llm");
  canary.merge(runs_of(250, 10, "rule"));
  test::set_codes(canary, {{"LLM_TIMEOUT", 45}, {"503", 20}});
  canary.nodes["rank"] = {560, 110, 60, 10, 500, {}};
  KpiPartial control = runs_of(250, 15, "llm");
  control.merge(runs_of(250, 10, "rule"));
  test::set_codes(control, {{"503", 20}});
  control.nodes["rank"] = {510, 15, 10, 5, 500, {}};
  return QualityBuilder().current(canary, Cohort::canary).current(control, Cohort::control).build();
}

// The canary has the hard runs: each source fails alike on both sides.
Quality mixed_quality() {
  KpiPartial canary = runs_of(400, 160, "llm");
  canary.merge(runs_of(100, 5, "rule"));
  KpiPartial control = runs_of(100, 40, "llm");
  control.merge(runs_of(400, 20, "rule"));
  return QualityBuilder().current(canary, Cohort::canary).current(control, Cohort::control).build();
}

GateResult gate_with(Verdict verdict) {
  GateResult gate;
  gate.verdict = verdict;
  return gate;
}

Decision decision_with(TriggerState state) {
  Decision decision = test::make_decision();
  decision.triggers.front().state = state;
  return decision;
}

}  // namespace

TEST_CASE("a drop comes first, with the code, node and plan source that it is made of") {
  const auto lines = wrong(dropped_quality());
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines.front(),
             Catch::StartsWith("Success 86.0 % of canary, 95.0 % of control: -9.0 points (") &&
                 Catch::Contains("; error code LLM_TIMEOUT -9.0 (") &&
                 Catch::Contains(", node rank -9.0 (") &&
                 Catch::Contains(", plan source llm -9.0 (") && !Catch::Contains("503") &&
                 !Catch::Contains("rule"));
}

TEST_CASE("nothing is said where nothing is wrong, or nothing can be compared") {
  const GateResult pass = gate_with(Verdict::PASS);
  const Decision quiet = decision_with(TriggerState::quiet);
  CHECK(wrong(even_quality(), &pass, &quiet).empty());
  CHECK_THAT(page_of(even_quality(), &pass), !Catch::Contains("Difference"));
  const GateResult insufficient = gate_with(Verdict::INSUFFICIENT);
  CHECK(wrong(even_quality(), &insufficient).empty());
  Quality lone = dropped_quality();
  lone.attribution.reset();
  const GateResult fail = gate_with(Verdict::FAIL);
  CHECK(wrong(lone, &fail).empty());
}

TEST_CASE("a failed gate, a trigger that fired, and one that may be noise are something wrong") {
  const GateResult fail = gate_with(Verdict::FAIL);
  const auto even = wrong(even_quality(), &fail);
  REQUIRE(even.size() == 1);
  CHECK_THAT(even.front(), Catch::StartsWith("Success 90.0 % of canary, 90.0 % of control: 0.0 "
                                             "points (-3.") &&
                               !Catch::Contains(";"));
  for (const TriggerState state : {TriggerState::fired, TriggerState::unconfirmed}) {
    const Decision decision = decision_with(state);
    CHECK(wrong(even_quality(), nullptr, &decision) == even);
  }
}

TEST_CASE("a gain is nothing wrong") {
  Quality better = QualityBuilder()
                       .current(runs_of(500, 10, "llm"), Cohort::canary)
                       .current(runs_of(500, 90, "llm"), Cohort::control)
                       .build();
  CHECK(wrong(better).empty());
}

TEST_CASE("a mix that explains the difference is said, and both figures stand side by side") {
  const auto lines = wrong(mixed_quality());
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[1],
             Catch::StartsWith("The mix of runs explains it, more than the policy: -21.0 points") &&
                 Catch::Contains("on the whole, 0.0 (") &&
                 Catch::EndsWith("among runs of the same plan source (mix_explains_difference)"));
  const std::string page = page_of(mixed_quality());
  CHECK_THAT(page, Catch::Contains("## Difference among runs that are alike\n") &&
                       Catch::Contains("| all runs | -21.0 |") &&
                       Catch::Contains("| among runs of the same plan source | 0.0 |") &&
                       Catch::Contains("| 2 | 100 % and 100 % | mix_explains_difference |"));
}

TEST_CASE("a drop that the mix hides is something wrong") {
  KpiPartial canary = runs_of(900, 90, "rule");
  canary.merge(runs_of(100, 60, "llm"));
  KpiPartial control = runs_of(600, 12, "rule");
  control.merge(runs_of(400, 140, "llm"));
  const auto lines = wrong(
      QualityBuilder().current(canary, Cohort::canary).current(control, Cohort::control).build());
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[1], Catch::StartsWith("The mix of runs hides a difference: ") &&
                           Catch::EndsWith("(mix_hides_difference)"));
}

TEST_CASE("the tables show counts, points, intervals and shares, and what is left") {
  const std::string page = page_of(dropped_quality());
  CHECK_THAT(page, Catch::Contains("## Difference by error code\n") &&
                       Catch::Contains("| LLM_TIMEOUT | 45 | 0 | -9.0 |") &&
                       Catch::Contains("| 503 | 20 | 20 | 0.0 |") &&
                       Catch::Contains("| (no error code) | 5 | 5 | 0.0 |"));
  CHECK_THAT(page, Catch::Contains("## Difference by node\n") &&
                       Catch::Contains("| rank | 50 | 5 | -9.0 |"));
  CHECK_THAT(page, Catch::Contains("## Difference by plan source\n") &&
                       Catch::Contains("| llm | 60 of 250 failed | 15 of 250 failed | -9.0 ("));
}

TEST_CASE("against a window before, the sides are called so") {
  const Quality quality =
      QualityBuilder().current(runs_of(500, 150, "llm")).baseline(runs_of(500, 50, "llm")).build();
  CHECK_THAT(wrong(quality).front(),
             Catch::StartsWith("Success 70.0 % of this window, 90.0 % of previous window: -20.0 "));
}

TEST_CASE("labels from logs are cut, and cannot break out of the page's first lines") {
  KpiPartial canary =
      test::make_runs_with_errors(100, 50, {{"x|y`<script>\n# a" + std::string(200, 'x'), 50}});
  const Quality quality = QualityBuilder()
                              .current(canary, Cohort::canary)
                              .current(test::make_runs(100, 99), Cohort::control)
                              .build();
  const std::string page = page_of(quality);
  CHECK_THAT(page, Catch::Contains("error code x\\|y\\`\\<script> # axxx") &&
                       !Catch::Contains(std::string(80, 'x')) && !Catch::Contains("\n# a"));
}

}  // namespace dagloop
