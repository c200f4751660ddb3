// What a report tells block by block.
#include <catch2/catch.hpp>

#include "dagloop/base/json_schema.hpp"
#include "dagloop/report/documents.hpp"
#include "make_documents.hpp"

namespace dagloop {
namespace {

Quality both_sides() {
  return test::QualityBuilder()
      .current(test::make_runs(40, 30), Cohort::canary)
      .current(test::make_runs(360, 350), Cohort::control)
      .baseline(test::make_runs(400, 390))
      .build();
}

}  // namespace

TEST_CASE("blocks read back without users and edges, and are refused where they cannot be") {
  Quality quality = both_sides();
  NewsStep step;
  step.window = {test::kAsOf - std::chrono::hours(2), test::kAsOf - std::chrono::hours(1)};
  step.canary.runs = 10;
  step.canary.failed = 2;
  step.canary.aided = 3;
  step.control.runs = 90;
  step.control.timed = 80;
  step.control.slow = 4;
  NewsStep empty;
  empty.window = {test::kAsOf - std::chrono::hours(1), test::kAsOf};
  quality.news.window = {step.window.start, empty.window.end};
  quality.news.canary = step.canary;
  quality.news.control = step.control;
  quality.news.steps = {step, empty};
  const Json document = quality_to_json(quality);
  CHECK_NOTHROW(validate_schema(document, "quality_report", "r.json"));
  CHECK(quality_from_json(document, "r.json").news.steps == std::vector<NewsStep>{step});
  const auto says = [&](const std::string& member, const Json& value, const std::string& expected) {
    Json edited = document;
    edited["news"]["blocks"].as_array().front()[member] = value;
    CHECK_THROWS_WITH(quality_from_json(edited, "r.json"), Catch::Contains(expected));
  };
  says("canary", Json(Json::Array(9, Json(1))), "ten counts");
  says("canary", Json(Json::Array{1, 2, 0, 0, 0, 0, 0, 0, 0, 0}), "more than the whole");
  says("end", "2020-01-01T00:00:00Z", "behind the block before");
  Json of_stratum;
  of_stratum["stratum"] = 17;
  says("by_stratum", Json(Json::Array{of_stratum}), "no stratum");
  of_stratum["stratum"] = 0;
  says("by_stratum", Json(Json::Array{of_stratum}), "not of the strata");
  says("start", format_time(step.window.start - kSlot), "news.blocks: lie outside the window");
  says("end", format_time(empty.window.end + kSlot), "news.blocks: lie outside the window");
  says("canary", Json(Json::Array{11, 2, 0, 0, 0, 0, 0, 0, 0, 3}), "count more than the whole");
  says("before", Json(Json::Array{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "count more than the whole");
  Json twice = document;
  Json::Array& blocks = twice["news"]["blocks"].as_array();
  Json again = blocks.front();
  again["start"] = format_time(empty.window.start);
  again["end"] = format_time(empty.window.end);
  blocks.push_back(again);
  CHECK_THROWS_WITH(quality_from_json(twice, "r.json"),
                    Catch::Contains("news.blocks: count more than the whole"));
  quality.news.steps.assign(kMostBlocks + 1, step);
  CHECK(quality_to_json(quality).find("news")->find("blocks")->as_array().empty());
  Json earlier = document;
  std::erase_if(earlier["news"].as_object(),
                [](const auto& member) { return member.first == "blocks"; });
  CHECK(quality_from_json(earlier, "r.json").news.steps.empty());
}

TEST_CASE("blocks tell strata apart where there are several, and too many are merged") {
  Quality quality = both_sides();
  NewsStep step;
  step.window = {test::kAsOf - std::chrono::hours(2), test::kAsOf - std::chrono::hours(1)};
  step.control.runs = 90;
  step.control.failed = 3;
  step.by_stratum = {{0, {}, {}, {}, {}}, {1, {}, {}, {}, {}}};
  step.by_stratum[0].control.runs = 60;
  step.by_stratum[1].control.runs = 30;
  step.by_stratum[1].control.failed = 3;
  quality.news.strata = StrataList{{"etl", "rule"}};
  quality.news.by_stratum = step.by_stratum;
  quality.news.window = step.window;
  quality.news.control = step.control;
  quality.news.steps = {step};
  const Json document = quality_to_json(quality);
  CHECK_NOTHROW(validate_schema(document, "quality_report", "r.json"));
  CHECK(quality_from_json(document, "r.json").news.steps == std::vector<NewsStep>{step});
  Json edited = document;
  Json& block = edited["news"]["blocks"].as_array().front();
  block["by_stratum"].as_array().front()["control"] =
      Json(Json::Array{61, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK_THROWS_WITH(quality_from_json(edited, "r.json"),
                    Catch::Contains("news.blocks: count more than the whole"));
  for (std::uint8_t place = 2; place <= 16; ++place) {
    step.by_stratum.push_back({place, {}, step.by_stratum[0].control, {}, {}});
  }
  quality.news.steps.assign(kMostBlocks, step);
  const Json merged = quality_to_json(quality);
  const Json::Array& few = merged.find("news")->find("blocks")->as_array();
  CHECK(few.size() == kMostBlocks / 2);
  std::int64_t runs = 0;
  std::int64_t of_first = 0;
  for (const Json& each : few) {
    CHECK(each.find("by_stratum")->as_array().size() == 17);
    runs += each.find("control")->as_array().front().as_integer();
    of_first += each.find("by_stratum")
                    ->as_array()
                    .front()
                    .find("control")
                    ->as_array()
                    .front()
                    .as_integer();
  }
  CHECK(runs == static_cast<std::int64_t>(90 * kMostBlocks));
  CHECK(of_first == static_cast<std::int64_t>(60 * kMostBlocks));
}

}  // namespace dagloop
