#include <catch2/catch.hpp>
#include <cmath>

#include "dagloop/decide/figure_case.hpp"
#include "dagloop/report/words.hpp"
#include "decide_case.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::codes;
using test::DecideCase;
using test::kAsOf;
using test::make_runs;
using test::QualityBuilder;
using test::text_of;

QualityBuilder cohorts(const KpiPartial& canary, const KpiPartial& control) {
  return QualityBuilder().current(canary, Cohort::canary).current(control, Cohort::control);
}

TEST_CASE("a promotion waits for the soak time, to the microsecond") {
  DecideCase c;
  c.history.in_force_since = c.now - 6h + 1us;
  const Decision early = c.decide();
  CHECK(early.action == Action::hold);
  CHECK(codes(early.reasons) == std::vector<std::string>{"soak_not_over"});
  CHECK(early.patch.empty());
  c.history.in_force_since = c.now - 6h;
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("a step asks for all evidence until twice the soak, then for its share") {
  DecideCase c;
  c.config.evidence.mode = EvidenceMode::sequential;
  const auto alpha_at = [&](int percent, Microseconds age) {
    c.at_percent(percent);
    c.history.in_force_since = c.now - age;
    return c.decide().promotion->alpha;
  };
  for (const int percent : {10, 30, 60}) CHECK(alpha_at(percent, 12h - 1us) == 0.02);
  CHECK(alpha_at(10, 12h) == Approx(std::pow(0.02, 1.0 / 3)));
  CHECK(alpha_at(30, 12h) == Approx(std::pow(0.02, 2.0 / 3)));
  CHECK(alpha_at(60, 12h) == Approx(0.02));
}

TEST_CASE("the soak reason says since when and until when") {
  DecideCase c;
  c.history.in_force_since = kAsOf - 1h;
  CHECK(text_of(c.decide().reasons, "soak_not_over") ==
        "the policy is in force since 2026-02-25T05:00:00Z; it soaks for 6h, until "
        "2026-02-25T11:00:00Z");
}

TEST_CASE("a policy of unknown age counts from the window's start") {
  DecideCase c;
  c.config.soak = 24h;
  c.now = kAsOf;
  CHECK(c.decide().action == Action::promote);
  c.config.soak = 24h + 1us;
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"soak_not_over"});
}

TEST_CASE("at 0 percent the first step needs no comparison") {
  DecideCase c;
  c.at_percent(0);
  c.quality = QualityBuilder().current(make_runs(100, 98));
  const Decision decision = c.decide();
  CHECK(decision.action == Action::promote);
  CHECK(decision.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"0", "10"}}});
  CHECK(codes(decision.reasons) == std::vector<std::string>{"gate_pass"});
}

TEST_CASE("at 0 percent the soak time counts as anywhere") {
  DecideCase c;
  c.at_percent(0);
  c.history.in_force_since = c.now - 1h;
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"soak_not_over"});
}

TEST_CASE("above 0 percent a missing side holds by its reason") {
  DecideCase c;
  c.quality = QualityBuilder().current(make_runs(100, 98));
  c.baseline = BaselineKind::previous;
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"no_baseline"});
  c.baseline = BaselineKind::automatic;
  c.quality = QualityBuilder().current(make_runs(100, 98), Cohort::control);
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"no_canary_runs"});
  c.quality = QualityBuilder().current(make_runs(100, 98), Cohort::canary);
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"no_control_runs"});
}

TEST_CASE("too few canary runs hold, with a forecast") {
  DecideCase c;
  c.quality = cohorts(make_runs(19, 19), make_runs(100, 98));
  const Decision decision = c.decide();
  CHECK(codes(decision.reasons) == std::vector<std::string>{"canary_sample_insufficient"});
  CHECK(text_of(decision.reasons, "canary_sample_insufficient") ==
        "19 of 20 runs of canary; 1 more needed; at the present rate (19 in 1d) in about 2h");
  c.quality = cohorts(make_runs(20, 20), make_runs(100, 98));
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("too few control runs hold, with a forecast") {
  DecideCase c;
  c.quality = cohorts(make_runs(100, 98), make_runs(19, 19));
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"control_sample_insufficient"});
  c.quality = cohorts(make_runs(100, 98), make_runs(20, 20));
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("the sample is the configured one, and both sides are told") {
  DecideCase c;
  c.config.min_sample = 300;
  CHECK(codes(c.decide().reasons) ==
        std::vector<std::string>{"canary_sample_insufficient", "control_sample_insufficient"});
}

TEST_CASE("a canary whose report lacks the value of a full sample is not promoted") {
  DecideCase c;
  c.edit = [](Quality& quality) {
    PopulationKpis& canary = quality.current.populations[Population::dag].cohorts[Cohort::canary];
    canary.kpis = {};
    Kpi without_value;
    without_value.denominator = 20;
    canary.kpis.add("pipeline_success_rate", without_value);
  };
  const Decision decision = c.decide();
  CHECK(codes(decision.reasons) == std::vector<std::string>{"canary_sample_insufficient"});
  CHECK(reason_text(decision.triggers[0].reason) == "pipeline_success_rate: no value for canary");
  c.edit = [](Quality& quality) {
    quality.current.populations[Population::dag].cohorts[Cohort::canary].kpis = {};
  };
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"canary_sample_insufficient"});
}

TEST_CASE("a canary may be worse by the margin and not by more") {
  DecideCase c;
  c.quality = cohorts(make_runs(1000, 950), make_runs(1000, 970));
  CHECK(c.decide().action == Action::promote);
  c.quality = cohorts(make_runs(1000, 949), make_runs(1000, 970));
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"inferior_to_control"});
  CHECK(text_of(decision.reasons, "inferior_to_control") ==
        "pipeline_success_rate of canary is 94.9 % (949 of 1000), of control 97.0 % (970 of 1000): "
        "lower by more than the margin of 2 points");
}

TEST_CASE("exactly the margin is no inferiority whatever the rates' last bits") {
  DecideCase c;
  for (std::uint64_t control = 92; control <= 100; ++control) {
    CAPTURE(control);
    c.quality = cohorts(make_runs(100, control - 2), make_runs(100, control));
    CHECK(c.decide().action == Action::promote);
    c.quality = cohorts(make_runs(100, control - 3), make_runs(100, control));
    CHECK(has_reason(c.decide().reasons, "inferior_to_control"));
  }
}

TEST_CASE("with a margin of 0 the canary has to be as good") {
  DecideCase c;
  c.config.promotion_margin_pp = 0;
  c.quality = cohorts(make_runs(100, 95), make_runs(100, 95));
  CHECK(c.decide().action == Action::promote);
  c.quality = cohorts(make_runs(100, 94), make_runs(100, 95));
  CHECK(c.decide().action == Action::hold);
}

TEST_CASE("all that stands against a promotion is told at once") {
  DecideCase c;
  c.history.in_force_since = c.now;
  c.quality = cohorts(make_runs(100, 92), make_runs(100, 100));
  c.keys[0].max_step = 10;
  CHECK(codes(c.decide().reasons) ==
        std::vector<std::string>{"soak_not_over", "inferior_to_control", "promotion_not_allowed"});
}

TEST_CASE("a step that the allowlist refuses is not made") {
  DecideCase c;
  c.keys[0].max_step = 29;
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(decision.patch.empty());
  CHECK(text_of(decision.reasons, "promotion_not_allowed") ==
        "DAG_ROLLOUT_PERCENT: from 30 to 60 is more than the maximum step 29");

  c.keys[0].max_step = 40;
  c.keys[0].max = 59;
  CHECK(text_of(c.decide().reasons, "promotion_not_allowed") ==
        "DAG_ROLLOUT_PERCENT: 60 is above the maximum 59");

  c.keys.erase(c.keys.begin());
  CHECK(text_of(c.decide().reasons, "promotion_not_allowed") ==
        "DAG_ROLLOUT_PERCENT is not on the allowlist");
}

// Noise that crosses a line: the evidence has counted runs, and does not decide.
DecideCase with_unconfirmed_errors() {
  DecideCase c;
  KpiPartial canary = test::make_runs_with_errors(120, 114, {{"TOOL_AUTH_ERROR", 6}});
  c.quality = cohorts(canary, test::make_runs_with_errors(600, 588, {{"TOOL_AUTH_ERROR", 12}}));
  c.config.promotion_margin_pp = 4;
  c.config.evidence.mode = EvidenceMode::sequential;
  for (const std::string_view name : {std::string_view("error_ratio.auth"), kPromotionTest}) {
    c.evidence.tests[std::string(name)].total = {{120, 6}, {600, 12}};
  }
  c.evidence.tests[std::string(kPromotionTest)].greatest_log_e.assign(kDiscounts, 20.0);
  return c;
}

TEST_CASE("a trigger that crossed its line and is not confirmed holds the promotion, by name") {
  const Decision decision = with_unconfirmed_errors().decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"error_ratio.auth_unconfirmed"});
  DecideCase quiet = with_unconfirmed_errors();
  quiet.config.triggers.error_ratio = 3;
  CHECK(quiet.decide().action == Action::promote);
}

TEST_CASE("an unconfirmed trigger is named whatever else holds") {
  DecideCase c = with_unconfirmed_errors();
  c.history.cooldown_until = c.now + std::chrono::hours(1);
  CHECK(codes(c.decide().reasons) ==
        std::vector<std::string>{"cooldown", "error_ratio.auth_unconfirmed"});
  c.history.change = PolicyHistory::ChangeState::under_verification;
  CHECK(codes(c.decide().reasons) ==
        std::vector<std::string>{"change_under_verification", "error_ratio.auth_unconfirmed"});
}

TEST_CASE("a trigger that is not confirmed holds no recommendation") {
  DecideCase c = with_unconfirmed_errors();
  c.rules = {test::make_rule("auth", 1, "error_rate.auth", 0.01, "DAG_NODE_TIMEOUT_MS",
                             PolicyRule::Operation::multiply, "1.1")};
  CHECK(c.decide().patch.contains("DAG_NODE_TIMEOUT_MS"));
}

TEST_CASE("runs that never ended count against a promotion as failed ones") {
  DecideCase c;
  c.quality = DecideCase::healthy().overdue(3, Cohort::canary);
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(has_reason(decision.reasons, "inferior_to_control"));
  c.quality = DecideCase::healthy().overdue(1, Cohort::canary);
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("runs that never ended fail the gate for a promotion, not for its verdict") {
  DecideCase c;
  c.at_percent(0);
  c.quality = QualityBuilder().current(make_runs(100, 95)).overdue(20);
  const Decision decision = c.decide();
  CHECK(decision.verdict == Verdict::PASS);
  CHECK(decision.action == Action::hold);
  CHECK(has_reason(decision.reasons, "gate_fail"));
}

TEST_CASE("one unread line in a healthy day stops no promotion that has margin") {
  DecideCase c;
  c.quality = cohorts(make_runs(299, 299), make_runs(2700, 2673)).unread(1);
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("unread lines that could be the failures hold a promotion, and the reason says so") {
  DecideCase c;
  c.quality = cohorts(make_runs(293, 293), make_runs(2700, 2700)).unread(7);
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(decision.patch.empty());
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"unreadable_records_could_change_this"});
  const std::string text = text_of(decision.reasons, "unreadable_records_could_change_this");
  CHECK_THAT(text, Catch::StartsWith("what could not be read may hide the outcome of up to 7 runs "
                                     "of canary and 0 of control; at worst: "));
  CHECK_THAT(text, Catch::Contains("97.7 % (293 of 300)"));
  CHECK_THAT(text, Catch::Contains("the margin allows 5; at 2026-02-26"));
  c.quality.without_time(2);
  CHECK_THAT(text_of(c.decide().reasons, "unreadable_records_could_change_this"),
             Catch::Contains("but for 2 without a time, until they are mended or deleted"));
  c.quality = cohorts(make_runs(293, 293), make_runs(2700, 2700)).unread(5);
  CHECK(c.decide().action == Action::hold);  // five auth errors, where control has none
  c.config.triggers.error_ratio.reset();
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("an unread line that shows control counts for control, as a good run") {
  DecideCase c;
  c.quality = cohorts(make_runs(100, 97), make_runs(100, 98)).unread(2, Cohort::control);
  CHECK(c.decide().action == Action::promote);  // 98 of 100, or 100 of 102 at best: 98.04 %
  c.quality = cohorts(make_runs(100, 96), make_runs(100, 98)).unread(2, Cohort::control);
  CHECK(has_reason(c.decide().reasons, "unreadable_records_could_change_this"));
}

TEST_CASE("unread lines fire no trigger") {
  DecideCase c;
  c.quality = cohorts(make_runs(100, 100), make_runs(100, 100)).unread(90, Cohort::canary);
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK_FALSE(any_fired(decision.triggers));
}

TEST_CASE("runs that could not be read count until they have left the windows that are judged") {
  const auto leaves_at = [](const QualityBuilder& builder, UnreadOf which) {
    return unread_leaves_at(builder.build(), which);
  };
  QualityBuilder unread = QualityBuilder().current(make_runs(9, 9)).unread(1);
  CHECK(leaves_at(unread, UnreadOf::window) == kAsOf + 24h);
  CHECK(leaves_at(unread, UnreadOf::window_and_baseline) == kAsOf + 24h);
  unread.baseline(make_runs(9, 9));
  CHECK(leaves_at(unread, UnreadOf::window) == kAsOf + 24h);
  CHECK(leaves_at(unread, UnreadOf::window_and_baseline) == kAsOf + 48h);
  KpiPartial before = make_runs(9, 9);
  before.unread_runs = 1;
  const QualityBuilder earlier = QualityBuilder().current(make_runs(9, 9)).baseline(before);
  CHECK(leaves_at(earlier, UnreadOf::window_and_baseline) == kAsOf + 24h);
  Quality cut = unread.build();
  cut.current.window.start = kAsOf - 1h;
  cut.whole_window_s = 24 * 3600;
  CHECK(unread_leaves_at(cut, UnreadOf::window) == kAsOf + 24h);
  Quality fixed = earlier.build();
  fixed.baseline->window = {kAsOf - 96h, kAsOf - 72h};
  CHECK_FALSE(unread_leaves_at(fixed, UnreadOf::window_and_baseline));
}

TEST_CASE("an unconfirmed trigger that unread runs could confirm lets no recommendation pass") {
  DecideCase c;
  c.config.evidence.mode = EvidenceMode::sequential;
  c.config.triggers.error_ratio.reset();
  c.rules = {test::make_rule("timeout", 10, "error_rate.timeout", 0.001, "DAG_NODE_TIMEOUT_MS",
                             PolicyRule::Operation::multiply, "1.2")};
  News news;
  news.window = test::kCurrentWindow;
  news.canary.runs = 20;
  news.canary.failed = 5;
  news.control.runs = 600;
  news.control.failed = 60;
  c.evidence.tests["success_drop"].expectation = {1000, 100};
  add_news(c.evidence, news, EvidenceSides::canary_and_control, c.config.evidence);
  const auto decide_with = [&](std::uint64_t unread) {
    c.quality =
        cohorts(test::make_runs_with_errors(20, 15, {{"TOOL_TIMEOUT", 5}}), make_runs(600, 540))
            .unread(unread);
    return c.decide();
  };
  const Decision advised = decide_with(0);
  REQUIRE(advised.triggers.at(0).state == TriggerState::unconfirmed);
  CHECK(advised.patch.contains("DAG_NODE_TIMEOUT_MS"));
  const Decision held = decide_with(60);
  CHECK(held.patch.empty());
  CHECK(has_reason(held.reasons, "unreadable_records_could_change_this"));
}

TEST_CASE("the evidence for a promotion has to stand with the unread runs counted against it") {
  DecideCase c;
  c.config.evidence.mode = EvidenceMode::sequential;
  c.config.triggers.error_ratio.reset();
  c.config.promotion_margin_pp = 5;
  const auto decide_with = [&](std::uint64_t unread) {
    c.quality = cohorts(make_runs(60, 60), make_runs(600, 600)).unread(unread);
    c.evidence = {};
    News news;
    news.window = test::kCurrentWindow;
    news.canary.runs = 60;
    news.control.runs = 600;
    c.evidence.tests[std::string(kPromotionTest)].expectation = {100, 0};
    add_news(c.evidence, news, EvidenceSides::canary_and_control, c.config.evidence);
    return c.decide();
  };
  CHECK(decide_with(0).action == Action::promote);
  const Decision held = decide_with(2);
  CHECK(codes(held.reasons) == std::vector<std::string>{"unreadable_records_could_change_this"});
  CHECK_THAT(text_of(held.reasons, "unreadable_records_could_change_this"),
             Catch::Contains("a drop of 10 points or more is not excluded yet"));
}

TEST_CASE("a percentage between two steps is promoted to the step above") {
  DecideCase c;
  c.at_percent(45);
  CHECK(c.decide().next_percent == 60);
}

TEST_CASE("each step of the ladder is promoted to the next") {
  DecideCase c;
  const std::vector<int> ladder{0, 10, 30, 60, 100};
  for (std::size_t i = 0; i + 1 < ladder.size(); ++i) {
    c.at_percent(ladder[i]);
    CAPTURE(ladder[i]);
    CHECK(c.decide().next_percent == ladder[i + 1]);
  }
}

}  // namespace
}  // namespace dagloop
