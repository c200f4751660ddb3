#include "dagloop/report/page.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "make_quality.hpp"

namespace dagloop {
namespace {

Quality example_quality(const std::string& error_code = "TOOL_AUTH_ERROR") {
  PartialSet set;
  const auto put = [&set](const Window& window, Cohort cohort, KpiPartial partial) {
    set.partials[{window.start, Population::dag, cohort}] = std::move(partial);
  };
  KpiPartial canary = test::make_runs(40, 30, 1500);
  canary.error_codes = {{error_code, 8}, {"TOOL_TIMEOUT", 2}};
  canary.nodes["n2_fetch"] = test::make_node(90, 12, 10, 4);
  KpiPartial control = test::make_runs(360, 345, 1200);
  control.error_codes = {{"TOOL_TIMEOUT", 15}};
  control.nodes["n1_plan"] = test::make_node(360, 3);
  put(test::kCurrentWindow, Cohort::canary, canary);
  put(test::kCurrentWindow, Cohort::control, control);
  put(test::kBaselineWindow, Cohort::none, test::make_runs(400, 388, 1200));
  Quality quality;
  quality.generated_at = test::kAsOf;
  quality.as_of = test::kAsOf;
  quality.current = compute_window_kpis(set, test::kCurrentWindow, ErrorClasses());
  quality.baseline = compute_window_kpis(set, test::kBaselineWindow, ErrorClasses());
  quality.input.records = 12'345;
  quality.input.run_records = 12'000;
  quality.input.node_records = 343;
  quality.input.reject("logs/a.jsonl", 17, RejectReason::unknown_status);
  quality.input.newest_record = test::kAsOf - std::chrono::minutes(4);
  return quality;
}

std::string example_page(const Quality& quality) {
  const GateResult gate = evaluate_gate(default_gate(), quality, DataLimits());
  Decision decision;
  decision.action = Action::rollback;
  decision.verdict = gate.verdict;
  decision.current_percent = 10;
  decision.next_percent = 0;
  decision.reasons.push_back({"success_drop_fired", "the canary's success rate dropped"});
  decision.triggers.push_back({"success_drop",
                               "pipeline_success_rate",
                               TriggerState::fired,
                               0.75,
                               0.958,
                               10,
                               40,
                               360,
                               {"success_drop_fired", "dropped"}});
  decision.patch["DAG_ROLLOUT_PERCENT"] = {"10", "0"};
  decision.approval = Decision::Approval::not_required;
  return render_markdown(compose_quality_page({quality, &gate, &decision, {"rolled back"}}));
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
  const std::string page = example_page(example_quality());
  if (std::getenv("DAGLOOP_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << page;
  CHECK(page == read_file(path));
}

TEST_CASE("verdict and decision stand before every table") {
  const std::string page = example_page(example_quality());
  CHECK(page.find("Gate: ") < page.find("| --- |"));
  CHECK(page.find("Decision: rollback at 10 % to 0 %") < page.find("| --- |"));
}

TEST_CASE("a change says which way it went and whether that is better or worse") {
  const std::string page = example_page(example_quality());
  CHECK_THAT(page,
             Catch::Contains("| error_rate.auth | 2.0 % |") && Catch::Contains("▲ 2.0 pp, worse"));
  CHECK_THAT(page, Catch::Contains("▼ 3.2 pp, worse"));  // success 97.0 % -> 93.8 %
}

TEST_CASE("text from logs cannot break out of a cell, in Markdown or HTML") {
  const std::string nasty = "x|y`<script>alert(1)</script>\n# title [a](b) &lt;";
  const Quality quality = example_quality(nasty);
  const std::string markdown = example_page(quality);
  CHECK_THAT(markdown, Catch::Contains("x\\|y\\`\\<script>alert(1)\\</script> # title \\[a\\](b)"));
  CHECK_THAT(markdown, !Catch::Contains("\n# title"));
  const std::string html = render_html(compose_quality_page({quality, nullptr, nullptr, {}}));
  CHECK_THAT(html, !Catch::Contains("<script"));
  CHECK_THAT(html, Catch::Contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
  CHECK_THAT(html, Catch::Contains("&amp;lt;"));
}

TEST_CASE("long text from logs is cut at a character") {
  const std::string page = example_page(example_quality(std::string(79, 'x') + "äöü"));
  CHECK_THAT(page, Catch::Contains(std::string(79, 'x') + "…"));
}

TEST_CASE("an empty window says so and shows no figure as zero") {
  Quality empty;
  empty.as_of = test::kAsOf;
  empty.current = compute_window_kpis({}, test::kCurrentWindow, ErrorClasses());
  const std::string page = render_markdown(compose_quality_page({empty, nullptr, nullptr, {}}));
  CHECK_THAT(page, Catch::Contains("no runs in the window"));
  CHECK_THAT(page, Catch::Contains("| pipeline_success_rate | no data |"));
  CHECK_THAT(page, Catch::Contains("no valid record"));
}

TEST_CASE("what was malformed is listed with file and line") {
  const std::string page = example_page(example_quality());
  CHECK_THAT(page, Catch::Contains("malformed, unknown_status: 1"));
  CHECK_THAT(page, Catch::Contains("for example logs/a.jsonl:17: unknown_status"));
}

TEST_CASE("HTML has every part that Markdown has") {
  const Page page{Heading{1, "t"}, Paragraph{"p"}, BulletList{{"i"}}, Table{{"h"}, {{"c"}}}};
  CHECK(render_markdown(page) == "# t\n\np\n\n- i\n\n| h |\n| --- |\n| c |\n");
  const std::string html = render_html(page);
  for (const char* part : {"<h1>t</h1>", "<p>p</p>", "<li>i</li>", "<th>h</th>", "<td>c</td>"}) {
    CHECK_THAT(html, Catch::Contains(part));
  }
}

}  // namespace dagloop
