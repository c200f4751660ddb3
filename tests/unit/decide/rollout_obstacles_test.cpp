// What holds a rollout however good its figures are.
#include <catch2/catch.hpp>

#include "decide_case.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::codes;
using test::DecideCase;
using test::make_rule;
using test::make_runs;
using test::QualityBuilder;
using test::text_of;

QualityBuilder worse_than_the_day_before() {
  return QualityBuilder().current(make_runs(140, 120)).baseline(make_runs(140, 138));
}

TEST_CASE("a split rollout whose log has no cohorts is held, however bad the figures are") {
  DecideCase c;
  c.quality = worse_than_the_day_before();
  for (const EvidenceMode mode : {EvidenceMode::point, EvidenceMode::sequential}) {
    c.config.evidence.mode = mode;
    for (const int percent : {10, 30, 60}) {
      const Decision decision = c.at_percent(percent).decide();
      CHECK(decision.action == Action::hold);
      CHECK(decision.patch.empty());
      CHECK(has_reason(decision.reasons, "no_cohorts"));
      for (const TriggerResult& trigger : decision.triggers) {
        CHECK(trigger.state == TriggerState::insufficient);
      }
    }
  }
  CHECK(text_of(c.at_percent(30).decide().reasons, "no_cohorts") ==
        "the rollout stands at 30 %, and no run between 2026-02-24T06:00:00Z and "
        "2026-02-25T06:00:00Z has the field `cohort`: what the canary did cannot be told from what "
        "control did, so nothing is decided. Write canary or control into the field `cohort` of "
        "each run, or name the log's own field in the mapping (docs/data-contract.md)");
}

TEST_CASE("a split rollout whose log has no cohorts is held, however good the figures are") {
  DecideCase c;
  c.quality = QualityBuilder().current(make_runs(140, 140)).baseline(make_runs(140, 138));
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"no_cohorts"});
}

TEST_CASE("that the log has no cohorts is told beside whatever else holds the rollout") {
  DecideCase c;
  c.quality = worse_than_the_day_before();
  c.history.cooldown_until = c.now + 1h;
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"cooldown", "no_cohorts"});
  c.history.cooldown_until.reset();
  c.quality = QualityBuilder().current(make_runs(140, 10)).baseline(make_runs(140, 138));
  CHECK(c.decide().verdict == Verdict::FAIL);
  CHECK(has_reason(c.decide().reasons, "no_cohorts"));
  CHECK(c.decide().action == Action::hold);
}

TEST_CASE("where nothing is split the window is held against the one before, as ever") {
  DecideCase c;
  c.quality = worse_than_the_day_before();
  for (const int percent : {0, 100}) {
    CHECK_FALSE(has_reason(c.at_percent(percent).decide().reasons, "no_cohorts"));
  }
  CHECK(c.at_percent(100).decide().action == Action::rollback);
}

QualityBuilder shares(std::uint64_t canary, std::uint64_t control) {
  return QualityBuilder()
      .current(make_runs(canary, canary), Cohort::canary)
      .current(make_runs(control, control), Cohort::control);
}

TEST_CASE("a canary of more than twice its share holds the step, sample and interval allowing") {
  DecideCase c;
  c.at_percent(10);
  c.quality = shares(50, 100);
  CHECK(c.decide().action == Action::promote);
  c.config.evidence.mode = EvidenceMode::sequential;
  const Decision decision = c.decide();
  CHECK(codes(decision.reasons).front() == "canary_share_too_high");
  CHECK(text_of(decision.reasons, "canary_share_too_high") ==
        "33.3 % of the runs with a cohort are the canary's (50 of 150), at a rollout of 10 %; the "
        "limit is twice that, 20 %. Look at what sends runs to the canary: what is counted of it "
        "may be other traffic");
  c.quality = shares(25, 90);  // 22 %, and it may be 15 %
  CHECK_FALSE(has_reason(c.decide().reasons, "canary_share_too_high"));
  c.quality = shares(19, 1);
  CHECK_FALSE(has_reason(c.decide().reasons, "canary_share_too_high"));
  c.quality = shares(99, 20);
  CHECK_FALSE(has_reason(c.at_percent(60).decide().reasons, "canary_share_too_high"));
}

TEST_CASE("a canary of too large a share is rolled back all the same") {
  DecideCase c;
  c.at_percent(10);
  c.quality = QualityBuilder()
                  .current(make_runs(100, 50), Cohort::canary)
                  .current(make_runs(100, 98), Cohort::control);
  CHECK(c.decide().action == Action::rollback);
}

/// A trigger that its evidence let fire.
TriggerResult proven(const std::string& name) {
  TriggerResult trigger;
  trigger.name = name;
  trigger.state = TriggerState::fired;
  trigger.evidence = EvidenceView{};
  trigger.evidence->e_value = 300;
  trigger.evidence->needed = 222;
  return trigger;
}

TEST_CASE("what evidence let fire excludes the policy, whatever its percentage is") {
  const PolicyValues values{{"DAG_ROLLOUT_PERCENT", "30"}, {"DAG_NODE_TIMEOUT_MS", "30000"}};
  Decision decision;
  decision.as_of = test::kAsOf;
  decision.triggers = {proven("p95_ratio"), proven("success_drop")};
  std::vector<ExcludedPolicy> excluded;
  CHECK(
      note_excluded(excluded, values, "DAG_ROLLOUT_PERCENT", {decision.triggers, decision.as_of}));
  REQUIRE(excluded.size() == 1);
  CHECK(excluded.front().trigger == "p95_ratio");
  CHECK(excluded.front().since == test::kAsOf);
  PolicyValues lower = values;
  lower["DAG_ROLLOUT_PERCENT"] = "10";
  CHECK_FALSE(
      note_excluded(excluded, lower, "DAG_ROLLOUT_PERCENT", {decision.triggers, decision.as_of}));
  CHECK(excluded.size() == 1);
  PolicyValues other = values;
  other["DAG_NODE_TIMEOUT_MS"] = "20000";
  CHECK(note_excluded(excluded, other, "DAG_ROLLOUT_PERCENT", {decision.triggers, decision.as_of}));
  CHECK(excluded.size() == 2);
}

TEST_CASE("nothing is excluded by bare figures, by what may be noise, or at 0 percent") {
  PolicyValues values{{"DAG_ROLLOUT_PERCENT", "30"}};
  Decision decision;
  std::vector<ExcludedPolicy> excluded;
  decision.triggers = {proven("success_drop")};
  decision.triggers.front().evidence.reset();
  CHECK_FALSE(
      note_excluded(excluded, values, "DAG_ROLLOUT_PERCENT", {decision.triggers, decision.as_of}));
  decision.triggers = {proven("success_drop")};
  decision.triggers.front().state = TriggerState::unconfirmed;
  CHECK_FALSE(
      note_excluded(excluded, values, "DAG_ROLLOUT_PERCENT", {decision.triggers, decision.as_of}));
  decision.triggers.front().state = TriggerState::fired;
  values["DAG_ROLLOUT_PERCENT"] = "0";
  CHECK_FALSE(
      note_excluded(excluded, values, "DAG_ROLLOUT_PERCENT", {decision.triggers, decision.as_of}));
  CHECK(excluded.empty());
}

TEST_CASE("of what is excluded the fifty latest policies are kept") {
  Decision decision;
  decision.triggers = {proven("success_drop")};
  std::vector<ExcludedPolicy> excluded;
  for (int i = 0; i < 60; ++i) {
    const PolicyValues values{{"DAG_ROLLOUT_PERCENT", "30"}, {"K", std::to_string(i)}};
    CHECK(note_excluded(excluded, values, "DAG_ROLLOUT_PERCENT",
                        {decision.triggers, decision.as_of}));
  }
  REQUIRE(excluded.size() == 50);
  CHECK(excluded.front().subject == rollout_subject({{"K", "10"}}, "DAG_ROLLOUT_PERCENT"));
}

TEST_CASE("an excluded policy goes no step up, and the reason names the command") {
  DecideCase c;
  c.history.excluded = {
      {rollout_subject(c.values, "DAG_ROLLOUT_PERCENT"), "success_drop", test::kAsOf - 30h}};
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"excluded_by_evidence"});
  CHECK(
      text_of(c.decide().reasons, "excluded_by_evidence") ==
      "the evidence of success_drop excluded this policy at 2026-02-24T00:00:00Z: it goes no step "
      "up until a person begins a new rollout: apply_dag_policy --config FILE --new-rollout --why "
      "TEXT --apply");
  c.history.cooldown_until = c.now + 1h;
  CHECK_THAT(text_of(c.decide().reasons, "excluded_by_evidence"),
             Catch::Contains("a new rollout, after the cool-down until 2026-02-25T07:01:00Z: "));
  c.history.cooldown_until.reset();
  c.values["DAG_NODE_TIMEOUT_MS"] = "31000";
  CHECK(c.decide().action == Action::promote);
}

}  // namespace

Evidence declined_since_verified(std::uint64_t failed_an_hour) {
  Evidence evidence;
  evidence.percent = 100;
  evidence.fixed.since = kAsOf - std::chrono::hours(200);
  evidence.fixed.until = kAsOf - std::chrono::hours(48);
  evidence.fixed.counted = {1800, 90};
  evidence.fixed.fix(1);
  for (int hour = 0; hour < 48; ++hour) {
    NewsStep step;
    step.window.start = evidence.fixed.until;
    step.window.end = step.window.start + std::chrono::hours(1);
    step.all.runs = 25;
    step.all.failed = failed_an_hour;
    evidence.fixed.add(step);
  }
  return evidence;
}

TEST_CASE("a decline since the policy was verified holds and says what to type") {
  DecideCase c;
  c.at_percent(100);
  c.config.evidence.mode = EvidenceMode::sequential;
  c.quality = QualityBuilder().current(make_runs(600, 528)).baseline(make_runs(600, 530));
  c.evidence = declined_since_verified(3);
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  REQUIRE(has_reason(decision.reasons, "success_declined"));
  const std::string text = text_of(decision.reasons, "success_declined");
  CHECK_THAT(text, Catch::Contains("the success rate is 88.0 % (528 of 600)"));
  CHECK_THAT(text, Catch::Contains("it was 95.0 % of 1800 runs"));
  CHECK_THAT(text, Catch::Contains("--rollback --apply"));
  CHECK_THAT(text, Catch::Contains("--new-rollout --why TEXT --apply"));
  c.config.triggers.decline_pp = std::nullopt;
  CHECK_FALSE(has_reason(c.decide().reasons, "success_declined"));
  c.config.triggers.decline_pp = 5;
  c.evidence = declined_since_verified(1);  // a bad window alone is no evidence
  CHECK_FALSE(has_reason(c.decide().reasons, "success_declined"));
}

}  // namespace dagloop
