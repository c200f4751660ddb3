#include "dagloop/report/page.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "make_codes.hpp"
#include "make_documents.hpp"
#include "quality_page.hpp"

namespace dagloop {
namespace {

using test::example_quality;
using test::first_cells;
using test::node;
using test::render;
using test::section;

Decision example_decision() {
  Decision decision = test::make_decision();
  decision.action = Action::rollback;
  decision.next_percent = 0;
  decision.reasons = {{"success_drop_fired", {{"text", "the canary's success rate dropped"}}}};
  decision.triggers[0].state = TriggerState::fired;
  decision.triggers[0].value = 0.75;
  decision.triggers[0].reason = {"success_drop_fired",
                                 {{"text", "75 % is 21 points less than 96 %"}}};
  decision.patch["DAG_ROLLOUT_PERCENT"] = {"10", "0"};
  decision.approval = Decision::Approval::not_required;
  return decision;
}

std::string example_page() {
  const Decision decision = example_decision();
  return render(example_quality(), &decision);
}

std::string figures_only(const Quality& quality) {
  return render_markdown(compose_quality_page({quality, nullptr, nullptr, {}}));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

// With DAGLOOP_UPDATE_GOLDEN=1 in the environment the test writes the file instead of comparing.
TEST_CASE("the morning page is the golden one") {
  const std::string path = std::string(DAGLOOP_GOLDEN_DIR) + "/quality_page.md";
  const std::string page = example_page();
  if (std::getenv("DAGLOOP_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << page;
  CHECK(page == read_file(path));
}

TEST_CASE(
    "the title says when and over what, then come what is wrong, verdict, decision and notes") {
  CHECK(example_page().starts_with(
      "# DAG quality, 2026-02-25 06:00 UTC, window of 1 d\n\n"
      "- Success 75.0 % of canary, 95.8 % of control: -20.8 points (-36.1 to -9.7); error code "
      "TOOL_AUTH_ERROR -20.0 (-34.8 to -10.4), node n2_fetch -5.0 (-16.5 to -1.2)\n"
      "- Gate: PASS — 3 checks passed\n"
      "- Decision: rollback from 10 % to 0 % — the canary's success rate dropped\n"
      "- rolled back\n\n"
      "2026-02-24 06:00 UTC to 2026-02-25 06:00 UTC: 400 DAG runs (375 succeeded), "
      "14 non-DAG runs (13 succeeded). Baseline, 2026-02-23 06:00 UTC to 2026-02-24 06:00 UTC: "
      "400 DAG runs (388 succeeded).\n"));
}

TEST_CASE("a failed gate says which checks failed, and a hold names its step alone") {
  const Quality quality = test::QualityBuilder().current(test::make_runs(100, 50)).build();
  Decision decision = test::make_decision();
  decision.action = Action::hold;
  decision.next_percent.reset();
  decision.reasons = {{"gate", {{"text", "the gate failed"}}},
                      {"soak", {{"text", "the soak lasts until noon"}}}};
  const std::string page = render(quality, &decision);
  CHECK_THAT(page, Catch::Contains("- Gate: FAIL — pipeline_success_rate") &&
                       !Catch::Contains("checks passed"));
  CHECK_THAT(page, Catch::Contains("- Decision: hold at 10 % — the gate failed; the soak lasts"));
}

TEST_CASE("without gate and decision the page has the figures alone") {
  const std::string page = figures_only(example_quality());
  for (const char* absent :
       {"Gate", "Decision", "Rollback triggers", "Recommendations", "Proposed change"}) {
    CHECK_THAT(page, !Catch::Contains(absent));
  }
  CHECK(!section(page, "KPIs of DAG runs").empty());
}

TEST_CASE("the gate's table shows each check with interval, threshold, baseline and change") {
  const std::string gate = section(example_page(), "Gate");
  CHECK_THAT(gate, Catch::Contains("| pipeline_success_rate | 93.8 % | 90.9 to 95.7 % | >= 90 % | "
                                   "97.0 % | ▼ 3.2 pp, worse | 400 | pass |"));
  CHECK(first_cells(gate).size() == default_gate().size());
}

TEST_CASE("a check on non-DAG runs says so and shows their figures") {
  const Quality quality = example_quality();
  const std::vector<GateCheck> checks{
      {"pipeline_success_rate", Population::non_dag, Comparator::at_least, 0.5, 5, Severity::fail}};
  const GateResult gate = evaluate_gate(checks, quality, DataLimits());
  CHECK_THAT(render_markdown(compose_quality_page({quality, &gate, nullptr, {}})),
             Catch::Contains("| pipeline_success_rate (non-DAG) | 92.9 % |"));
}

TEST_CASE("every KPI of the contract has its row, with what has no data shown as such") {
  const std::string kpis = section(example_page(), "KPIs of DAG runs");
  std::vector<std::string> names = kpi_names();
  std::erase(names, "tokens_per_run");  // no run says what it cost: left_out_test.cpp
  std::erase(names, "cost_per_run");
  CHECK(first_cells(kpis) == names);
  CHECK_THAT(kpis, Catch::Contains("| compensation_failed_rate | no data |  | 0 | no data |  |"));
}

TEST_CASE("a change says which way it went and whether that is better or worse") {
  const std::string kpis = section(example_page(), "KPIs of DAG runs");
  CHECK_THAT(kpis,
             Catch::Contains("| error_rate.auth | 2.0 % |") && Catch::Contains("▲ 2.0 pp, worse"));
  CHECK_THAT(kpis,
             Catch::Contains("| p95_latency_ms | 1.50 s |  | 400 | 1.20 s | ▲ 25 %, worse |"));
}

TEST_CASE("canary stands against control, and a cohort without runs says so") {
  const std::string both = section(example_page(), "Canary and control");
  CHECK_THAT(both, Catch::Contains("| runs | 40 | 360 |  |") &&
                       Catch::Contains("| 75.0 % | 95.8 % | ▼ 20.8 pp, worse |"));
  const Quality lone =
      test::QualityBuilder().current(test::make_runs(9, 9), Cohort::canary).build();
  CHECK_THAT(section(figures_only(lone), "Canary and control"),
             Catch::Contains("| runs | 9 | no runs |  |") &&
                 Catch::Contains("| pipeline_success_rate | 100.0 % | no data |  |"));
  const Quality none = test::QualityBuilder().current(test::make_runs(9, 9)).build();
  CHECK(section(figures_only(none), "Canary and control").empty());
}

TEST_CASE("triggers, recommendations and the proposed change are shown with their reasons") {
  const std::string page = example_page();
  CHECK_THAT(section(page, "Rollback triggers"),
             Catch::Contains("| success_drop | 75.0 % | 96.0 % | 40 | 400 | fired | 75 % is 21") &&
                 Catch::Contains("| p95_ratio | no data | no data | 0 | 0 | insufficient |"));
  CHECK_THAT(section(page, "Recommendations"),
             Catch::Contains("| DAG_NODE_TIMEOUT_MS | 1000 | 2000 (2500.5 was suggested; clipped "
                             "to 2000 by the bounds) | nodes time out | node n: attempts 3, >= "
                             "2.5 | success rate +1.2 pp") &&
                 Catch::Contains("| the tools limit the rate | 9 of 90 | fewer 429 |"));
  CHECK_THAT(
      section(page, "Proposed change"),
      Catch::Contains("| DAG_ROLLOUT_PERCENT | 10 | 0 |") && Catch::Contains("needs no approval"));
  const Decision promotion = test::make_decision();
  CHECK_THAT(section(render(example_quality(), &promotion), "Proposed change"),
             Catch::Contains("Needs an approval before 2026-02-26 06:00 UTC"));
}

TEST_CASE("runs of other paths have their own section where there are any") {
  CHECK_THAT(section(example_page(), "KPIs of non-DAG runs"),
             Catch::Contains("| pipeline_success_rate | 92.9 % |"));
  const Quality none = test::QualityBuilder().current(test::make_runs(9, 9)).build();
  CHECK(section(figures_only(none), "KPIs of non-DAG runs").empty());
}

TEST_CASE("the ten most frequent error codes are shown with their share now and before") {
  CHECK_THAT(section(example_page(), "Top error codes of DAG runs"),
             Catch::Contains("| TOOL_TIMEOUT | 17 | 4.2 % | 3.0 % |\n"
                             "| TOOL_AUTH_ERROR | 8 | 2.0 % | 0.0 % |"));
  KpiPartial runs = test::make_runs(500, 400);
  for (std::uint64_t i = 1; i <= 12; ++i) test::fail_by(runs, "E" + std::to_string(100 + i), i);
  const auto codes = first_cells(section(figures_only(test::QualityBuilder().current(runs).build()),
                                         "Top error codes of DAG runs"));
  REQUIRE(codes.size() == 10);
  CHECK(codes.front() == "E112");
  CHECK(codes.back() == "E103");
}

TEST_CASE("the worst nodes come by failed attempts, then by latency, and ten of them at most") {
  KpiPartial runs = test::make_runs(100, 100);
  runs.nodes["fine"] = node(50, 0, 9000);
  runs.nodes["a_quick"] = node(50, 5, 10);
  runs.nodes["b_slow"] = node(50, 5, 800);
  runs.nodes["c_worst"] = node(50, 9, 5, 8, 2);
  const Quality quality = test::QualityBuilder().current(runs).build();
  const std::string worst = section(figures_only(quality), "Nodes with most failed attempts");
  CHECK(first_cells(worst) == std::vector<std::string>{"c_worst", "b_slow", "a_quick"});
  CHECK_THAT(worst, Catch::Contains("| c_worst | 50 | 9 | 18.0 % | 25.0 % | 5 ms |") &&
                        Catch::Contains("| b_slow | 50 | 5 | 10.0 % | no retries | 800 ms |"));
  for (int i = 0; i < 20; ++i) runs.nodes["n" + std::to_string(i)] = node(9, 1, 1);
  const Quality many = test::QualityBuilder().current(runs).build();
  CHECK(first_cells(section(figures_only(many), "Nodes with most failed attempts")).size() == 10);
}

TEST_CASE("the five slowest nodes are shown, and none without a duration") {
  KpiPartial runs = test::make_runs(100, 100);
  runs.nodes["timeless"] = test::make_node(50, 0);
  for (int i = 1; i <= 7; ++i) runs.nodes["n" + std::to_string(i)] = node(9, 0, 100 * i);
  const Quality quality = test::QualityBuilder().current(runs).build();
  CHECK(first_cells(section(figures_only(quality), "Slowest nodes")) ==
        std::vector<std::string>{"n7", "n6", "n5", "n4", "n3"});
  runs.nodes = {{"timeless", test::make_node(50, 0)}};
  CHECK(
      section(figures_only(test::QualityBuilder().current(runs).build()), "Slowest nodes").empty());
}

TEST_CASE("where earlier tries are not known, the page says so and shows no rate of attempts") {
  KpiPartial runs = test::make_runs(100, 100);
  runs.nodes["fails"] = node(50, 9, 800);
  runs.runs_without_tries = 100;
  const Quality quality = test::QualityBuilder().current(runs).build();
  CHECK(section(figures_only(quality), "Nodes with most failed attempts").empty());
  CHECK_THAT(section(figures_only(quality), "Slowest nodes"),
             Catch::Contains("| fails | not known | not known | no data | no data | 800 ms |"));
}

TEST_CASE("the input is counted, and what was malformed is listed with file and line") {
  const std::string input = section(example_page(), "Input");
  CHECK_THAT(input,
             Catch::Contains("- 12,346 records read: 12,000 of runs, 343 of nodes; 1 duplicate; "
                             "0 outside the time range\n") &&
                 Catch::Contains("- 9 runs derived from their nodes, 0 in flight\n") &&
                 Catch::Contains("- newest record: 2026-02-25 05:56 UTC, 4 min before the end of "
                                 "the window\n") &&
                 Catch::Contains("- 1 line malformed; of the window 0 of 12,346 (0.0 %)\n") &&
                 Catch::Contains("- malformed, unknown_status: 1\n") &&
                 Catch::Contains("- for example logs/a.jsonl:17: unknown_status"));
}

TEST_CASE("a newest record after the window's end is said to be after it") {
  const Quality quality = test::QualityBuilder()
                              .current(test::make_runs(9, 9))
                              .newest_record(test::kAsOf + std::chrono::minutes(3))
                              .build();
  CHECK_THAT(figures_only(quality), Catch::Contains("3 min after the end of the window"));
}

TEST_CASE("an empty window says so and shows no figure as zero") {
  const Quality empty = test::QualityBuilder().newest_record(std::nullopt).build();
  const std::string page = render(empty);
  CHECK_THAT(page, Catch::Contains("06:00 UTC: no runs in the window.") &&
                       Catch::Contains("## KPIs of DAG runs\n\nNo DAG runs in the window.\n") &&
                       Catch::Contains("no valid record") && Catch::Contains("INSUFFICIENT"));
  CHECK_THAT(section(page, "KPIs of DAG runs"), !Catch::Contains("|"));
  CHECK_THAT(section(page, "Gate"), Catch::Contains("| pipeline_success_rate | no data |  |"));
}

TEST_CASE("a window with runs of other paths alone says that DAG runs are missing") {
  const Quality quality = test::QualityBuilder()
                              .current(test::make_runs(9, 9), Cohort::none, Population::non_dag)
                              .baseline(test::make_runs(5, 5))
                              .build();
  const std::string page = figures_only(quality);
  CHECK_THAT(page, Catch::Contains(": no DAG runs, 9 non-DAG runs (9 succeeded). Baseline") &&
                       Catch::Contains("5 DAG runs (5 succeeded)"));
}

TEST_CASE("names from logs cannot break out of the page, wherever they stand") {
  const std::string nasty = "x|y`<script>alert(1)</script>\n# title [a](b) &lt;";
  Quality quality = example_quality(nasty);
  PopulationKpis& dag = quality.current.populations.at(Population::dag);
  dag.nodes[nasty] = dag.nodes.at("n2_fetch");
  quality.input.examples.front().file = nasty;
  const std::string safe = "x\\|y\\`\\<script>alert(1)\\</script> # title \\[a\\](b) \\&lt;";
  const std::string markdown = figures_only(quality);
  for (const char* heading : {"Top error codes of DAG runs", "Nodes with most failed attempts",
                              "Slowest nodes", "Input"}) {
    CAPTURE(heading);
    CHECK_THAT(section(markdown, heading), Catch::Contains(safe));
  }
  CHECK_THAT(markdown, !Catch::Contains("\n# title"));
  const std::string html = render_html(compose_quality_page({quality, nullptr, nullptr, {}}));
  CHECK_THAT(html, !Catch::Contains("<script"));
  CHECK_THAT(html, Catch::Contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST_CASE("long names from logs are cut, in every section") {
  const std::string name(200, 'x');
  Quality quality = example_quality(name);
  PopulationKpis& dag = quality.current.populations.at(Population::dag);
  dag.nodes[name] = dag.nodes.at("n2_fetch");
  quality.input.examples.front().file = name;
  const std::string page = figures_only(quality);
  CHECK_THAT(page, !Catch::Contains(std::string(80, 'x')));
  CHECK_THAT(page, Catch::Contains(std::string(79, 'x') + "…"));
}

TEST_CASE("what came of predictions stands beside them, with the calibration of their models") {
  Decision decision = test::make_decision();
  const Quality quality = example_quality("n");
  const auto page = [&] {
    return render_markdown(compose_quality_page({quality, nullptr, &decision, {}}));
  };
  CHECK_THAT(page(), !Catch::Contains("Predictions and what came of them"));
  tell_predictions(test::make_ledger(), decision);
  const std::string predictions = section(page(), "Predictions and what came of them");
  CHECK_THAT(predictions, Catch::Contains("+1.2 pp (+0.5 to +2.0) | +2.0 pp (± 0.5)"));
  CHECK_THAT(predictions, Catch::Contains("-9.0 pp (± 0.5)") && Catch::Contains("| no |"));
  CHECK_THAT(predictions, Catch::Contains("not verified yet"));
  CHECK_THAT(section(page(), "Calibration of the models"),
             Catch::Contains("1 of 2 (50 %)") && Catch::Contains("untested"));
  CHECK_THAT(section(page(), "Recommendations"), !Catch::Contains("badly calibrated model: "));
  decision.recommendations[0].trust = Trust::badly_calibrated;
  CHECK_THAT(section(page(), "Recommendations"), Catch::Contains("badly calibrated model: "));
}

TEST_CASE("every seeded report gives a page whose tables are whole") {
  test::Random random(61);
  Decision decision = test::make_decision();
  tell_predictions(test::make_ledger(), decision);
  for (int round = 0; round < 60; ++round) {
    const Quality quality = test::random_quality(random);
    const GateResult gate = evaluate_gate(default_gate(), quality, DataLimits());
    const Page page = compose_quality_page({quality, &gate, &decision, {}});
    for (const auto& part : page) {
      if (const auto* table = std::get_if<Table>(&part)) {
        REQUIRE(!table->rows.empty());
        REQUIRE(std::all_of(table->rows.begin(), table->rows.end(),
                            [&](const auto& row) { return row.size() == table->header.size(); }));
      }
    }
    REQUIRE(render_markdown(page) == render_markdown(page));
    REQUIRE(!render_html(page).empty());
  }
}

}  // namespace dagloop
