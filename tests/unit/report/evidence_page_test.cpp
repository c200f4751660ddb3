// The evidence as the report shows it.
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>

#include "quality_page.hpp"

namespace dagloop {
namespace {

using test::example_quality;
using test::first_cells;
using test::render;
using test::section;

TEST_CASE("evidence is shown test by test, with what is still needed") {
  Decision decision = test::make_decision();
  CHECK(section(render(example_quality(), &decision), "Evidence since the rollout began").empty());
  EvidenceView drop;
  drop.e_value = 12.345;
  drop.needed = 200;
  drop.subject = {1020, 204};
  drop.reference = {9180, 918};
  drop.difference = Interval{-0.0123, 0.215};
  drop.more_trials = 1234;
  drop.is_available = true;
  decision.triggers[0].evidence = drop;
  decision.triggers[1].evidence = EvidenceView();  // nothing counted: no row
  EvidenceView promotion = drop;
  promotion.more_trials.reset();
  decision.promotion = promotion;
  const std::string evidence =
      section(render(example_quality(), &decision), "Evidence since the rollout began");
  CHECK_THAT(evidence, Catch::Contains(
                           "| success_drop | 204 of 1,020 | 918 of 9,180 | "
                           "between 1.23 points better and 21.5 points worse, so no clear change | "
                           "below 1 in 12 | 1 in 200 | 1,234 |"));
  CHECK_THAT(evidence, Catch::Contains("| below 1 in 12 | 1 in 200 | no telling |"));
  CHECK(first_cells(evidence) == std::vector<std::string>{"success_drop", "promotion"});
}

TEST_CASE("how long a fault takes to be found is told in runs and time") {
  Decision decision = test::make_decision();
  decision.triggers[0].evidence = EvidenceView();
  decision.triggers[0].evidence->is_available = true;
  decision.detection = {
      {10, 1229, std::chrono::hours(50)}, {20, 69, std::nullopt}, {0.5, 9000, std::nullopt}};
  const std::string evidence = section(render(example_quality(), &decision),
                                       "How long a fault takes to be found, from its onset");
  CHECK_THAT(evidence, Catch::Contains("| 10 points | about 1,229 runs | about 2 d 2 h |"));
  CHECK_THAT(evidence, Catch::Contains("| 20 points | about 69 runs | not known |"));
  CHECK_THAT(evidence, Catch::Contains("| 0.5 points | about 9,000 runs | not known |"));
}

TEST_CASE("latencies are shown side by side, with what is not known yet") {
  Decision decision = test::make_decision();
  decision.triggers[0].evidence = EvidenceView();
  decision.triggers[0].evidence->is_available = true;
  decision.triggers[0].evidence->subject = {10, 1};
  LatencyView view;
  view.e_value = 1234.5;
  view.needed = 100;
  view.subject = {1020, {800.0, 951.3}, {1600.0, std::nullopt}};
  view.reference = {20, {std::nullopt, 951.3}, {}};
  view.at_ms = 872.4;
  view.subject_share = 0.412;
  view.reference_share = 0.2;
  decision.latency = view;
  const std::string evidence =
      section(render(example_quality(), &decision), "Evidence since the rollout began");
  CHECK_THAT(evidence, Catch::Contains("| now | 1,020 | 800 ms to 951 ms | over 1.60 s |"));
  CHECK_THAT(evidence, Catch::Contains("| baseline | 20 | up to 951 ms | not known yet |"));
  CHECK_THAT(evidence, Catch::Contains("the chance that this is noise is below 1 in 1,230; below 1 "
                                       "in 100 is asked for. They differ most at 872 ms: "
                                       "41.2 % take longer, of the baseline's 20.0 %."));
}

}  // namespace
}  // namespace dagloop
