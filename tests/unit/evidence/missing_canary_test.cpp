// A canary that writes no records, or fails before it is warm.
#include <catch2/catch.hpp>

#include "dagloop/evidence/evidence.hpp"
#include "evidence_steps.hpp"

using namespace dagloop;
using test::after_steps;
using test::runs;
using test::sequential;
using test::step_of;

TEST_CASE("a canary that writes nothing any more is missed, one that writes is not") {
  const EvidenceConfig config = sequential();
  std::vector<NewsStep> steps;
  for (int i = 0; i < 60; ++i) steps.push_back(step_of(i, runs(5, 0), runs(45, 0)));
  CHECK_FALSE(view_trigger(after_steps(steps, config), kMissingTest, config).stretch);
  int missed = 0;
  while (!view_trigger(after_steps(steps, config), kMissingTest, config).decides()) {
    steps.push_back(step_of(static_cast<int>(steps.size()), {}, runs(50, 0)));
    missed += 5;
    REQUIRE(missed <= 35);
  }
  const EvidenceView view = view_trigger(after_steps(steps, config), kMissingTest, config);
  REQUIRE(view.stretch);
  CHECK(view.stretch->since == steps[60].window.start);
  CHECK(view.stretch->counts.subject.events == 0);
}

TEST_CASE("a canary that never came is missed within 20 runs") {
  const EvidenceConfig config = sequential();
  std::vector<NewsStep> steps;
  for (int i = 0; i < 20; ++i) steps.push_back(step_of(i, {}, runs(10, 0)));
  CHECK(view_trigger(after_steps(steps, config), kMissingTest, config).decides());
  CHECK_FALSE(view_trigger(after_steps(steps, config), "success_drop", config).is_available);
}

TEST_CASE("runs of before the percentage rose are held against the lower one") {
  const EvidenceConfig config = sequential();
  std::vector<NewsStep> steps;
  for (int i = 0; i < 60; ++i) steps.push_back(step_of(i, runs(5, 0), runs(45, 0)));
  Evidence evidence;
  evidence.percent = 10;
  set_percent(evidence, 30, steps.back().window.end);
  CHECK(evidence.percent_before == 10);
  News all;
  all.steps = steps;
  all.window = {steps.front().window.start, steps.back().window.end};
  Evidence told = evidence;
  add_news(told, all, EvidenceSides::canary_and_control, config);
  CHECK_FALSE(view_trigger(told, kMissingTest, config).decides());
  evidence.percent_since = std::nullopt;
  add_news(evidence, all, EvidenceSides::canary_and_control, config);
  CHECK(view_trigger(evidence, kMissingTest, config).decides());
  set_percent(told, 60, told.until + std::chrono::hours(1));
  set_percent(told, 100, told.until + std::chrono::hours(2));
  CHECK(told.percent_before == 30);  // neither change is behind the evidence
}

TEST_CASE("cold runs are no evidence but for a collapse") {
  const EvidenceConfig config = sequential();
  const auto cold = [&](std::uint64_t failed) {
    std::vector<NewsStep> steps;
    for (int i = 0; i < 6; ++i) {
      steps.push_back(step_of(i, {}, {}));
      steps.back().cold_canary = {5, failed};
      steps.back().cold_control = {45, 4};
    }
    return after_steps(steps, config);
  };
  CHECK(view_trigger(cold(5), kCollapseTest, config).decides());
  CHECK_FALSE(view_trigger(cold(2), kCollapseTest, config).decides());
  CHECK_FALSE(view_trigger(cold(5), "success_drop", config).is_available);
}
