// Decisions by figures among runs that are alike.
#include <catch2/catch.hpp>

#include "decide_case.hpp"

namespace dagloop {
namespace {

using test::DecideCase;
using test::make_runs;
using test::QualityBuilder;
using test::text_of;

// The canary has hard runs only: 75 % succeed, as of control's hard ones.
DecideCase hard_canary() {
  DecideCase c;
  c.quality = QualityBuilder()
                  .current(make_runs(400, 300), Cohort::canary)
                  .current(make_runs(3600, 3564), Cohort::control);
  c.edit = [](Quality& quality) {
    Comparable alike{"canary", "control", 1, 400, 400, {}};
    alike.figures["pipeline_success_rate"] = {0.75, 0.75, 400, 300, 900, {}};
    alike.figures["p95_latency_ms"] = {1000, 1000, 400, 0, 900, {}};
    quality.comparable = alike;
  };
  return c;
}

const TriggerResult& trigger_called(const Decision& decision, const std::string& name) {
  for (const TriggerResult& each : decision.triggers) {
    if (each.name == name) return each;
  }
  FAIL("no trigger " << name);
  return decision.triggers.front();
}

}  // namespace

TEST_CASE("a difference that plan sources explain fires no trigger and holds no step") {
  DecideCase c = hard_canary();
  const Decision decision = c.decide();
  const TriggerResult& drop = trigger_called(decision, "success_drop");
  CHECK(drop.state == TriggerState::quiet);
  CHECK(drop.value == 0.75);
  CHECK(drop.baseline_value == 0.75);
  CHECK(text_of({drop.reason}, "success_drop_quiet")
            .find("among runs of the same pipeline and plan source") != std::string::npos);
  CHECK_FALSE(has_reason(decision.reasons, "inferior_to_control"));
  CHECK(decision.action == Action::promote);
  c.edit = nullptr;
  CHECK(trigger_called(c.decide(), "success_drop").state == TriggerState::fired);
}

TEST_CASE("a drop that the mix hides fires, and holds the step by the margin where it is less") {
  DecideCase c;
  for (const auto& [subject, is_fired] : {std::pair(0.60, true), {0.72, false}}) {
    Quality quality = c.quality.build();
    DecideCase hidden;
    static double rate = 0;
    rate = subject;
    hidden.edit = [](Quality& edited) {
      Comparable alike{"canary", "control", 2, 60, 60, {}};
      alike.figures["pipeline_success_rate"] = {rate, 0.75, 60, 40, 140, {}};
      edited.comparable = alike;
    };
    const Decision decision = hidden.decide();
    const auto state = trigger_called(decision, "success_drop").state;
    CHECK(state == (is_fired ? TriggerState::fired : TriggerState::quiet));
    if (!is_fired) CHECK(has_reason(decision.reasons, "inferior_to_control"));
  }
}

TEST_CASE("a rollout is held where control has no runs like most of the canary's") {
  DecideCase c = hard_canary();
  c.edit = [](Quality& quality) {
    quality.comparable = Comparable{"canary", "control", 0, 400, 0, {}};
  };
  for (const EvidenceMode mode : {EvidenceMode::point, EvidenceMode::sequential}) {
    c.config.evidence.mode = mode;
    const Decision decision = c.decide();
    CHECK(decision.action == Action::hold);
    CHECK(has_reason(decision.reasons, "no_comparable_runs"));
    CHECK(trigger_called(decision, "success_drop").state == TriggerState::insufficient);
  }
  CHECK(text_of(c.decide().reasons, "no_comparable_runs") ==
        "only 0 of 400 runs of canary have others like them among those of control: of one "
        "pipeline and plan source. From 2026-02-24T06:00:00Z to 2026-02-25T06:00:00Z too little "
        "can be compared. Let both have runs of the same pipelines and plan sources (the quality "
        "report lists those of each), or judge these runs yourself");
  c.edit = [](Quality& quality) {
    quality.comparable = Comparable{"canary", "control", 1, 400, 200, {}};
  };
  CHECK_FALSE(has_reason(c.decide().reasons, "no_comparable_runs"));
}

TEST_CASE("a comparison of other sides says nothing of the canary") {
  DecideCase c = hard_canary();
  c.edit = [](Quality& quality) {
    quality.comparable = Comparable{"dag", "previous_window", 0, 400, 0, {}};
  };
  CHECK(trigger_called(c.decide(), "success_drop").state == TriggerState::fired);
}

TEST_CASE("what could not be read counts against runs that are alike as against all") {
  DecideCase c = hard_canary();
  c.quality.unread(40, Cohort::canary);
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(has_reason(decision.reasons, "unreadable_records_could_change_this"));
}

}  // namespace dagloop
