#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/report/documents.hpp"
#include "make_documents.hpp"

namespace dagloop {
namespace {

using test::Random;

Quality reread(const Quality& quality) {
  const std::string text = to_pretty_json(quality_to_json(quality));
  return quality_from_json(parse_json(text, "r.json"), "r.json");
}

// A report with both cohorts, a baseline and a malformed line.
Quality full_quality() {
  Quality quality =
      test::QualityBuilder()
          .current(test::make_runs_with_errors(40, 30, {{"TOOL_AUTH_ERROR", 10}}), Cohort::canary)
          .current(test::make_runs(360, 350), Cohort::control)
          .current(test::make_runs(5, 5), Cohort::none, Population::non_dag)
          .baseline(test::make_runs(400, 390))
          .build();
  quality.input.reject({"a.jsonl", 7, RejectReason::bad_time});
  return quality;
}

const Json& at(const Json& document, std::initializer_list<const char*> path) {
  const Json* place = &document;
  for (const char* key : path) {
    place = place->find(key);
    REQUIRE(place != nullptr);
  }
  return *place;
}

// What is said when `document` is read with the value at `path` replaced.
std::string complaint(Json document, std::initializer_list<const char*> path, const Json& value) {
  Json* place = &document;
  for (const char* key : path) place = &(*place)[key];
  *place = value;
  try {
    quality_from_json(document, "r.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("a report that does not say what was unread is one of an earlier version, and stays so") {
  Json document = quality_to_json(full_quality());
  std::erase_if(document["input"].as_object(), [](const Json::Member& each) {
    return each.first == "window" || each.first == "set_aside";
  });
  Json& dag = document["populations"]["dag"];
  std::erase_if(dag.as_object(), [](const Json::Member& each) {
    return each.first == "unread_runs" || each.first == "pipelines";
  });
  std::erase_if(dag["kpis"].as_object(),
                [](const Json::Member& each) { return each.first == "overdue_rate"; });
  const Quality quality = quality_from_json(document, "r.json");
  CHECK_FALSE(quality.tells_unread);
  CHECK_FALSE(reread(quality).tells_unread);
  CHECK(reread(full_quality()).tells_unread);
  const PopulationKpis& read = quality.current.population(Population::dag);
  CHECK(read.total_runs == 400);
  CHECK_FALSE(read.kpis.find("overdue_rate")->value);
}

TEST_CASE("the length of a whole window is written where the policy in force cuts it") {
  Quality quality = full_quality();
  CHECK(quality_to_json(quality).find("whole_window_s") == nullptr);
  quality.whole_window_s = 86400;
  CHECK(reread(quality) == quality);
  CHECK_NOTHROW(validate_schema(quality_to_json(quality), "quality_report", "report"));
}

TEST_CASE("a quality report fits its schema and reads back as it was") {
  Random random(21);
  for (int round = 0; round < 60; ++round) {
    const Quality quality = test::random_quality(random);
    REQUIRE_NOTHROW(validate_schema(quality_to_json(quality), "quality_report", "report"));
    REQUIRE(reread(quality) == quality);
  }
}

TEST_CASE("the report of an empty window fits its schema and reads back as it was") {
  const Quality empty = test::QualityBuilder().newest_record(std::nullopt).build();
  const Json document = quality_to_json(empty);
  CHECK_NOTHROW(validate_schema(document, "quality_report", "report"));
  CHECK(reread(empty) == empty);
  CHECK(at(document, {"baseline"}).is_null());
  CHECK(at(document, {"input", "newest_record"}).is_null());
  CHECK(at(document, {"populations", "dag", "kpis", "pipeline_success_rate", "value"}).is_null());
  CHECK(at(document, {"populations", "dag", "kpis", "pipeline_success_rate", "ci95"}).is_null());
}

TEST_CASE("attempts that are not known are null in the report, and read back so") {
  KpiPartial runs = test::make_runs(40, 30);
  runs.nodes["n"] = test::make_node(50, 9, 4, 2);
  runs.runs_without_tries = 40;
  const Quality quality = test::QualityBuilder().current(runs).build();
  const Json document = quality_to_json(quality);
  validate_schema(document, "quality_report", "r.json");
  const Json& dag = at(document, {"populations", "dag"});
  CHECK(at(dag, {"nodes", "n", "attempts"}).is_null());
  CHECK(at(dag, {"nodes", "n", "failure_rate", "value"}).is_null());
  CHECK(at(dag, {"kpis", "attempt_failure_rate", "value"}).is_null());
  CHECK(quality.service->nodes.empty());
  CHECK(reread(quality) == quality);
}

TEST_CASE("a rate has its counts and interval, a quantile its n and method, a ratio no interval") {
  const Json document = quality_to_json(full_quality());
  const Json& kpis = at(document, {"populations", "dag", "kpis"});
  const Json& rate = at(kpis, {"pipeline_success_rate"});
  CHECK(at(rate, {"value"}).as_number() == 0.95);
  CHECK(at(rate, {"numerator"}).as_integer() == 380);
  CHECK(at(rate, {"denominator"}).as_integer() == 400);
  REQUIRE(at(rate, {"ci95"}).as_array().size() == 2);
  CHECK(at(rate, {"ci95"}).as_array()[0].as_number() < 0.95);
  CHECK(at(rate, {"ci95"}).as_array()[1].as_number() > 0.95);
  CHECK(to_compact_json(at(kpis, {"p95_latency_ms"})) ==
        R"({"value":1000,"n":400,"method":"exact"})");
  CHECK(at(kpis, {"attempts_per_node", "ci95"}).is_null());
}

TEST_CASE("derived and in-flight runs of the input are the sums over the window's populations") {
  KpiPartial dag = test::make_runs(9, 9);
  dag.derived_runs = 2;
  dag.in_flight = 3;
  KpiPartial other = test::make_runs(4, 4);
  other.derived_runs = 1;
  other.in_flight = 5;
  const Json document = quality_to_json(test::QualityBuilder()
                                            .current(dag)
                                            .current(other, Cohort::none, Population::non_dag)
                                            .baseline(dag)
                                            .build());
  CHECK(at(document, {"input", "derived_runs"}).as_integer() == 3);
  CHECK(at(document, {"input", "in_flight"}).as_integer() == 8);
}

TEST_CASE("all error classes are counted, and only cohorts with runs are there") {
  const Json document = quality_to_json(full_quality());
  const Json& dag = at(document, {"populations", "dag"});
  CHECK(at(dag, {"error_classes"}).as_object().size() == kErrorClasses.size());
  CHECK(at(dag, {"error_classes", "auth"}).as_integer() == 10);
  CHECK(at(dag, {"cohorts"}).as_object().size() == 2);
  CHECK(at(dag, {"cohorts", "canary", "total_runs"}).as_integer() == 40);
  CHECK(at(document, {"baseline", "populations", "dag", "cohorts"}).as_object().empty());
  CHECK(at(document, {"populations", "non_dag"}).find("cohorts") == nullptr);
}

TEST_CASE("a report that names a file with a name that is no UTF-8 can be read back") {
  Quality quality = full_quality();
  quality.input.examples.front().file = "logs/\xE9t\xE9.jsonl";  // Latin-1
  const Quality read = reread(quality);
  CHECK(read.input.examples.front().file == "logs/\xEF\xBF\xBDt\xEF\xBF\xBD.jsonl");
  quality.input.examples.front().file = read.input.examples.front().file;
  CHECK(read == quality);
}

TEST_CASE("an attribution stands in the report with effects, intervals and shares") {
  const Json document = quality_to_json(full_quality());
  const Json& found = at(document, {"attribution"});
  CHECK(at(found, {"subject_name"}).as_string() == "canary");
  CHECK(at(found, {"subject", "failed"}).as_integer() == 10);
  const double difference = at(found, {"difference", "value"}).as_number();
  CHECK(difference == Approx(0.25 - 10.0 / 360));
  CHECK(at(found, {"difference", "ci95"}).as_array().size() == 2);
  const Json& code = at(found, {"error_codes", "parts"}).as_array().front();
  CHECK(at(code, {"name"}).as_string() == "TOOL_AUTH_ERROR");
  CHECK(at(code, {"effect", "value"}).as_number() == 0.25);
  CHECK(at(code, {"share"}).as_number() == Approx(0.25 / difference));
  CHECK(at(found, {"error_codes", "rest", "reference_count"}).as_integer() == 10);
  CHECK(at(found, {"nodes", "parts"}).as_array().empty());
  CHECK(at(found, {"plan_sources", "parts"}).as_array().size() == 1);
  CHECK(at(found, {"stratified"}).as_array().size() == 2);
}

TEST_CASE("a report that nothing can be compared in, or of an earlier version, has none") {
  const Quality lone = test::QualityBuilder().current(test::make_runs(9, 9)).build();
  CHECK(at(quality_to_json(lone), {"attribution"}).is_null());
  Json earlier = quality_to_json(full_quality());
  std::erase_if(earlier.as_object(),
                [](const auto& member) { return member.first == "attribution"; });
  CHECK_FALSE(quality_from_json(earlier, "r.json").attribution);
}

TEST_CASE("what a report lacks or has wrong is refused with file and key") {
  const Json document = quality_to_json(full_quality());
  const auto says = [&](std::initializer_list<const char*> path, const Json& value,
                        const std::string& expected) {
    CHECK_THAT(complaint(document, path, value),
               Catch::Contains("r.json") && Catch::Contains(expected));
  };
  says({"schema"}, "dagloop.quality_report/2", "schema");
  says({"as_of"}, "yesterday", "as_of");
  says({"input", "records"}, -1, "input.records");
  says({"input", "malformed_by_reason", "bad_luck"}, 1, "bad_luck");
  says({"input", "newest_record"}, 5, "input.newest_record");
  says({"window", "end"}, "2020-01-01T00:00:00Z", "window");
  says({"populations", "non_dag"}, Json(), "non_dag");
  says({"populations", "dag", "kpis", "new_rate"}, 1, "new_rate");
  says({"populations", "dag", "kpis", "p95_latency_ms", "method"}, "guess", "method");
  says({"populations", "dag", "kpis", "p95_latency_ms", "n"}, "many", "p95_latency_ms.n");
  says({"populations", "dag", "kpis", "fallback_rate", "ci95"}, Json(Json::Array{0.1}), "ci95");
  says({"populations", "dag", "cohorts", "canary", "total_runs"}, 1.5, "canary.total_runs");
  says({"baseline", "window", "start"}, Json(), "baseline.window.start");
  says({"attribution", "subject", "failed"}, 4000, "attribution.subject");
  says({"attribution", "difference", "value"}, "much", "attribution.difference.value");
  says({"attribution", "difference", "ci95"}, Json(Json::Array{0.1}), "difference.ci95");
  says({"attribution", "nodes", "rest"}, Json(), "attribution.nodes.rest");
  says({"attribution", "error_codes", "others", "subject_count"}, 0.5, "others.subject_count");
}

TEST_CASE("runs above each latency read back, and are refused where they cannot be") {
  Quality quality = full_quality();
  quality.news.limits.usual = 900.0;
  quality.news.canary.timed = 100;
  quality.news.canary.above.assign(32, 50);
  quality.news.canary.above.push_back(3);
  const Json document = quality_to_json(quality);
  CHECK_NOTHROW(validate_schema(document, "quality_report", "r.json"));
  CHECK(quality_from_json(document, "r.json").news == quality.news);
  const auto says = [&](const Json& above, const std::string& expected) {
    CHECK_THAT(complaint(document, {"news", "canary", "above"}, above), Catch::Contains(expected));
  };
  says(Json(Json::Array(33, Json(101))), "above: is no list of counts above each latency");
  says(Json(Json::Array(32, Json(50))), "above: is no list of counts above each latency");
  says(Json(Json::Array(33, Json(-1))), "above[0]");
  Json earlier = document;
  std::erase_if(earlier["news"]["canary"].as_object(),
                [](const auto& member) { return member.first == "above"; });
  CHECK(quality_from_json(earlier, "r.json").news.canary.above.empty());
}

TEST_CASE("a report without one of its KPIs or error classes is refused with its name") {
  Json lacking = quality_to_json(full_quality());
  auto& kpis = lacking["populations"]["dag"]["kpis"].as_object();
  kpis.erase(kpis.begin());
  CHECK_THROWS_WITH(quality_from_json(lacking, "r.json"), Catch::Contains("pipeline_success_rate"));
  lacking = quality_to_json(full_quality());
  auto& classes = lacking["populations"]["dag"]["error_classes"].as_object();
  const std::string gone = classes.back().first;
  classes.pop_back();
  CHECK_THROWS_WITH(quality_from_json(lacking, "r.json"),
                    Catch::Contains("error_classes") && Catch::Contains(gone));
}

TEST_CASE("the schema refuses what no report of this version has") {
  const Json document = quality_to_json(full_quality());
  const auto refused = [&](std::initializer_list<const char*> path, const Json& value) {
    Json edited = document;
    Json* place = &edited;
    for (const char* key : path) place = &(*place)[key];
    *place = value;
    CAPTURE(to_compact_json(value), *(path.end() - 1));
    CHECK_THROWS_AS(validate_schema(edited, "quality_report", "r.json"), Error);
  };
  REQUIRE_NOTHROW(validate_schema(document, "quality_report", "r.json"));
  refused({"extra"}, 1);
  refused({"as_of"}, "2026-02-25");
  refused({"generated_at"}, "2026-02-25T06:00:00+01:00");
  refused({"input", "malformed_by_reason", "bad_luck"}, 1);
  refused({"input", "newest_record"}, "lately");
  refused({"populations", "dag", "kpis", "error_rate.luck"},
          *at(document, {"populations", "dag", "kpis"}).find("fallback_rate"));
  refused({"populations", "dag", "kpis", "attempts_per_node", "ci95"}, Json(Json::Array{0.1, 0.2}));
  refused({"populations", "dag", "kpis", "fallback_rate", "ci95"}, Json(Json::Array{0.1, 1.2}));
  refused({"populations", "dag", "error_classes", "luck"}, 0);
  refused({"populations", "dag", "cohorts", "none"}, Json::object());
  refused({"populations", "dag", "cohorts", "canary", "cohorts"}, Json::object());
  refused({"populations", "non_dag", "cohorts"}, Json::object());
  refused({"baseline", "input"}, Json::object());
  refused({"attribution", "weather"}, Json::object());
  refused({"attribution", "nodes", "rest", "share"}, "all");
  refused({"attribution", "subject", "failed"}, -1);
}

TEST_CASE("the schema refuses a report that lacks any of its members") {
  const Json document = quality_to_json(full_quality());
  for (const auto& [key, value] : document.as_object()) {
    Json lacking = document;
    std::erase_if(lacking.as_object(),
                  [&key = key](const auto& member) { return member.first == key; });
    CAPTURE(key);
    CHECK_THROWS_AS(validate_schema(lacking, "quality_report", "r.json"), Error);
  }
  const Json& dag = at(document, {"populations", "dag"});
  for (const auto& [key, value] : dag.as_object()) {
    Json lacking = document;
    std::erase_if(lacking["populations"]["dag"].as_object(),
                  [&key = key](const auto& member) { return member.first == key; });
    CAPTURE(key);
    CHECK_THROWS_AS(validate_schema(lacking, "quality_report", "r.json"), Error);
  }
}

}  // namespace dagloop
