#include <catch2/catch.hpp>
#include <string>

#include "dagloop/report/page.hpp"
#include "make_documents.hpp"

namespace dagloop {
namespace {

using Catch::Matchers::Contains;
using Lines = std::vector<std::string>;

Quality healthy() {
  Quality quality = test::QualityBuilder()
                        .current(test::make_runs(40, 40), Cohort::canary)
                        .current(test::make_runs(360, 345), Cohort::control)
                        .build();
  quality.input.window.all = {3000, 0};
  return quality;
}

PopulationKpis& dag_of(Quality& quality) { return quality.current.populations.at(Population::dag); }

MalformedExample unknown_word(std::uint64_t line) {
  return {"a.jsonl",
          line,
          RejectReason::unknown_status,
          Field::status,
          "the text \"sideways\"",
          "one of succeeded, failed",
          R"("status": {"aliases": {"sideways": "failed"}})"};
}

std::string left_out_page(const Quality& quality) {
  return render_markdown(compose_quality_page({quality, nullptr, nullptr, {}}));
}

}  // namespace

TEST_CASE("nothing is left out of a log that says everything") {
  CHECK(what_is_left_out(healthy()).empty());
}

TEST_CASE("lines of the window that could not be read come first, with places and what was found") {
  Quality quality = healthy();
  quality.input.window.all.unread = 4;
  dag_of(quality).unread_runs = 3;
  for (const std::uint64_t line : {7U, 9U, 12U, 20U}) {
    quality.input.reject(unknown_word(line));
  }
  CHECK(what_is_left_out(quality) ==
        Lines{"4 lines of the window could not be read (0.1 % of 3,000); they may hide the outcome "
              "of 3 runs; the first of the log: a.jsonl:7: status: the text \"sideways\"; wanted "
              "one of "
              "succeeded, failed; also a.jsonl:9, a.jsonl:12"});
  CHECK_THAT(left_out_page(quality), Contains("\n\n- 4 lines of the window could not be read"));
}

TEST_CASE("rows that no window lets go of are told, with one of them and without a line") {
  Quality quality = healthy();
  quality.input.without_time = 2;
  quality.input.reject({"command_logs run r7", 0, RejectReason::missing_created_at,
                        Field::created_at, "nothing", "a time as text (RFC 3339)", ""});
  CHECK(what_is_left_out(quality) ==
        Lines{"2 rows without a time of the past count in every window until they are mended or "
              "deleted; for example command_logs run r7: created_at: nothing; wanted a time as "
              "text (RFC 3339)"});
  quality.input.without_time = 1;
  CHECK_THAT(what_is_left_out(quality).front(),
             Catch::StartsWith("1 row without a time of the past counts in every window until it "
                               "is mended or deleted"));
}

TEST_CASE("what lines and records that could not be read may hide is told beside them") {
  Quality quality = healthy();
  dag_of(quality).unread_runs = 1;
  dag_of(quality).unread_values = 2;
  CHECK(what_is_left_out(quality) ==
        Lines{"of 1 run the cohort, the pipeline or the mode could not be read: decisions take "
              "each for a failed run of the canary, too",
              "2 values of runs could not be read (durations, error codes, outcomes of "
              "compensations): decisions take the worst of each"});
  dag_of(quality).unread_values = 0;
  dag_of(quality).unread_attempts = 5;
  quality.input.window.all.unread = 6;
  CHECK(what_is_left_out(quality) ==
        Lines{"6 lines of the window could not be read (0.2 % of 3,000); they may hide the outcome "
              "of 1 run and 5 failed attempts"});
}

TEST_CASE("lines of another time than the window's are not told first") {
  Quality quality = healthy();
  quality.input.reject(unknown_word(7));
  CHECK(what_is_left_out(quality).empty());
  CHECK_THAT(left_out_page(quality), Contains("1 line malformed; of the window 0 of 3,000"));
}

TEST_CASE("runs that never ended are told beside those that did, by cohort where they have one") {
  Quality quality = healthy();
  dag_of(quality).overdue = 120;
  dag_of(quality).cohorts.at(Cohort::canary).overdue = 120;
  CHECK(what_is_left_out(quality) ==
        Lines{"Success of DAG runs: 385 of 400 finished; 120 never ended; of canary: 40 of 40 "
              "finished; 120 never ended (decisions count those as failed)"});
}

TEST_CASE("runs that are no part of the rates are told, cancelled ones where they are excluded") {
  Quality quality = healthy();
  dag_of(quality).skipped_runs = 12;
  dag_of(quality).cancelled_runs = 5;
  quality.input.set_aside = 1;
  CHECK(what_is_left_out(quality) ==
        Lines{"Left out: 12 skipped runs, 1 record at or after 2026-02-25T06:00:00Z"});
  quality.cancelled = Cancelled::excluded;
  CHECK_THAT(what_is_left_out(quality).front(),
             Contains("12 skipped runs, 5 cancelled runs (input.cancelled), 1 record"));
}

TEST_CASE("what was read in another form is told with the fields and the first places") {
  Quality quality = healthy();
  quality.input.mended_by_field = {{Field::error_code, 10}, {Field::duration_ms, 1}};
  quality.input.mended_examples = {
      {"a.jsonl", 3, Field::duration_ms, "the text \"12\"", "a number from 0"}};
  CHECK(
      what_is_left_out(quality) ==
      Lines{
          "11 values not as wanted, read in their plain meaning or left out (error_code 10, "
          "duration_ms 1); the first of the log: a.jsonl:3: duration_ms: the text \"12\"; wanted a "
          "number from 0"});
}

TEST_CASE(
    "too many unread lines are an error that names the first, and the mapping that reads it") {
  Quality quality = healthy();
  quality.input.reject(unknown_word(7));
  CHECK_FALSE(unreadable_log(quality, DataLimits()));
  quality.input.window.all.unread = 90;
  const auto error = unreadable_log(quality, DataLimits());
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::source);
  CHECK_THAT(error->what(), Contains("a.jsonl:7: status: the text \"sideways\"; wanted one of "
                                     "succeeded, failed (3") &&
                                Contains("\"aliases\": {\"sideways\": \"failed\"}"));
}

TEST_CASE("pipelines have a table of their own, the most failures first") {
  Quality quality = healthy();
  CHECK_THAT(left_out_page(quality), !Contains("Success by pipeline"));
  dag_of(quality).pipelines = {{"billing", {40, make_rate(20, 40)}},
                               {"orders", {40, make_rate(40, 40)}},
                               {"zeta", {50, make_rate(20, 50)}}};
  const std::string page = left_out_page(quality);
  CHECK_THAT(
      page, Contains("## Success by pipeline") && Contains("| billing | 40 | 20 | 50.0 % |  |  |"));
  CHECK(page.find("| zeta") < page.find("| billing"));
  CHECK(page.find("| billing") < page.find("| orders"));
}

TEST_CASE("what runs cost has a row only where a log says so") {
  Quality quality = healthy();
  CHECK_THAT(left_out_page(quality), !Contains("tokens_per_run") && Contains("overdue_rate"));
  KpiPartial runs = test::make_runs(40, 40);
  runs.tokens = 50'000;
  runs.runs_with_tokens = 40;
  quality = test::QualityBuilder().current(runs).build();
  CHECK_THAT(left_out_page(quality),
             Contains("| tokens_per_run | 1,250 |") && !Contains("cost_per_run"));
}

}  // namespace dagloop
