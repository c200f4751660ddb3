// Triggers by evidence: stretches, users, missing and cold canaries.
#include <algorithm>
#include <catch2/catch.hpp>

#include "dagloop/decide/detection.hpp"
#include "dagloop/decide/trigger.hpp"
#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using test::kAsOf;
using test::make_runs;
using test::QualityBuilder;

constexpr std::uint64_t kSample = 20;
constexpr std::uint64_t kAllOfOneUser = 1ULL << 40U;

/// Runs of one user each, with hashes from `first` on; the first `failed` of them failed.
ArmFigures arm_of(std::uint64_t runs, std::uint64_t failed, std::uint64_t first) {
  ArmFigures arm;
  arm.runs = runs;
  arm.failed = failed;
  for (std::uint64_t i = 0; i < runs; ++i) {
    UserArm user;
    user.hash = first + i;
    user.runs = 1;
    user.failed = i < failed ? 1 : 0;
    arm.users.push_back(user);
  }
  return arm;
}

ArmFigures arm_of_one_user(std::uint64_t runs, std::uint64_t failed) {
  ArmFigures arm;
  arm.runs = runs;
  arm.failed = failed;
  UserArm user;
  user.hash = kAllOfOneUser;
  user.runs = static_cast<std::uint32_t>(runs);
  user.failed = static_cast<std::uint32_t>(failed);
  arm.users = {user};
  return arm;
}

/// A canary at 10 % whose steps of five minutes end at the instant of every made report.
class CanaryCase {
 public:
  CanaryCase& steps(int count, const ArmFigures& canary, std::uint64_t control_failed = 4) {
    for (int i = 0; i < count; ++i) step(canary, arm_of(40, control_failed, 100));
    return *this;
  }

  CanaryCase& step(const ArmFigures& canary, const ArmFigures& control) {
    NewsStep step;
    step.canary = shifted(canary);
    step.control = shifted(control);
    steps_.push_back(step);
    next_ += 200;
    return *this;
  }

  CanaryCase& edges_above(std::uint64_t above, std::uint64_t control_above) {
    NewsStep& last = steps_.back();
    for (ArmFigures* arm : {&last.canary, &last.control}) {
      arm->timed = arm->runs;
      arm->slow = arm == &last.canary ? above : control_above;
      arm->above.assign(kLatencyEdges, arm->slow);
    }
    usual_ms_ = 1000;
    return *this;
  }

  CanaryCase& cold(std::uint64_t canary_failed) {
    steps_.back().cold_canary = {10, canary_failed};
    steps_.back().cold_control = {90, 5};
    return *this;
  }

  Evidence evidence() const {
    Evidence evidence;
    evidence.percent = 10;
    News news;
    news.limits.usual = usual_ms_;
    news.steps = steps_;
    TimePoint end = kAsOf - steps_.size() * std::chrono::minutes(5);
    evidence.since = end;
    for (NewsStep& step : news.steps) {
      step.window = {end, end + std::chrono::minutes(5)};
      end = step.window.end;
    }
    news.window = {evidence.since, end};
    add_news(evidence, news, EvidenceSides::canary_and_control, {});
    return evidence;
  }

  TriggerResult judge(const std::string& name, const QualityBuilder& builder) const {
    const Quality quality = builder.build();
    const Evidence collected = evidence();
    const auto results = evaluate_triggers({}, choose_comparison(quality, BaselineKind::control),
                                           kSample, {EvidenceConfig{}, collected});
    const auto found = std::find_if(results.begin(), results.end(),
                                    [&](const TriggerResult& each) { return each.name == name; });
    REQUIRE(found != results.end());
    return *found;
  }

 private:
  // Each step has users of its own, but for the one who comes in every step.
  ArmFigures shifted(ArmFigures arm) {
    for (UserArm& user : arm.users) {
      if (user.hash != kAllOfOneUser) user.hash += next_;
    }
    return arm;
  }

  std::vector<NewsStep> steps_;
  std::uint64_t next_ = 1000;
  std::optional<double> usual_ms_;
};

QualityBuilder both_cohorts(std::uint64_t runs, std::uint64_t succeeded) {
  return QualityBuilder()
      .current(make_runs(runs, succeeded), Cohort::canary)
      .current(make_runs(4000, 3600), Cohort::control);
}

bool has_arg(const TriggerResult& result, std::string_view name) {
  return find_arg(result.reason, name) != nullptr;
}

TEST_CASE("a canary that dies after a good day fires although the window dilutes it") {
  CanaryCase c;
  c.steps(200, arm_of(5, 0, 0)).steps(5, arm_of(5, 5, 0));
  // 25 of 1,000 runs failed: better than the control's tenth.
  const TriggerResult result = c.judge("success_drop", both_cohorts(1025, 1000));
  CHECK(result.state == TriggerState::fired);
  CHECK(result.reason.code == "success_drop_fired");
  REQUIRE(has_arg(result, "stretch_since"));
  CHECK(std::get<TimePoint>(*find_arg(result.reason, "stretch_since")) ==
        kAsOf - std::chrono::minutes(25));
  CHECK(std::get<std::int64_t>(*find_arg(result.reason, "stretch_events")) == 25);
}

TEST_CASE("a stretch that crosses and is not decided yet holds, by name") {
  CanaryCase c;
  c.steps(200, arm_of(5, 0, 0)).steps(2, arm_of(5, 5, 0));
  const TriggerResult result = c.judge("success_drop", both_cohorts(1010, 1000));
  CHECK(result.state == TriggerState::unconfirmed);
  CHECK(has_arg(result, "more_trials"));
}

TEST_CASE("no drop of more than 100 points is foretold, and drops are no whole numbers") {
  CanaryCase c;
  c.steps(200, arm_of(5, 0, 0));
  const Quality quality = both_cohorts(1000, 1000).build();
  DecisionConfig config;
  const auto drops = [&](double limit_pp) {
    config.triggers.success_drop_pp = limit_pp;
    std::vector<double> found;
    for (const Detection& each :
         detection_of(c.evidence(), config, choose_comparison(quality, BaselineKind::control))) {
      found.push_back(each.drop_pp);
    }
    return found;
  };
  CHECK(drops(30) == std::vector<double>{30, 60});
  CHECK(drops(12.5) == std::vector<double>{12.5, 25, 62.5});
}

TEST_CASE("a stretch of too few runs for a rollback holds, however much it says") {
  CanaryCase few;
  few.steps(200, arm_of(5, 0, 0)).steps(1, arm_of(9, 9, 0));
  const TriggerResult result = few.judge("success_drop", both_cohorts(1009, 1000));
  CHECK(result.state == TriggerState::unconfirmed);
  CHECK(std::get<std::int64_t>(*find_arg(result.reason, "stretch_trials")) == 9);
  CHECK_FALSE(has_arg(result, "one_user_trials"));
}

TEST_CASE("dead runs hold before they make up a block of evidence") {
  ArmFigures control;
  control.runs = 15;
  control.failed = 1;
  CanaryCase last;
  last.steps(200, arm_of(5, 0, 0)).step(arm_of(4, 4, 0), control);
  const TriggerResult result = last.judge("success_drop", both_cohorts(1004, 1000));
  CHECK(result.state == TriggerState::unconfirmed);
  CHECK(std::get<std::int64_t>(*find_arg(result.reason, "stretch_trials")) == 4);
}

TEST_CASE("a stretch that may well be chance changes nothing") {
  CanaryCase chance;
  chance.steps(200, arm_of(5, 0, 0)).steps(2, arm_of(5, 1, 0));
  CHECK(chance.judge("success_drop", both_cohorts(1010, 1008)).state == TriggerState::quiet);
}

TEST_CASE("a stretch fires where the window has no run of the canary or of the control") {
  CanaryCase c;
  c.steps(20, arm_of(5, 0, 0)).steps(6, arm_of(5, 5, 0));
  const TriggerResult no_canary =
      c.judge("success_drop", QualityBuilder().current(make_runs(400, 360), Cohort::control));
  CHECK(no_canary.state == TriggerState::fired);
  CHECK(has_arg(no_canary, "stretch_since"));
  const TriggerResult no_control =
      c.judge("success_drop", QualityBuilder().current(make_runs(30, 0), Cohort::canary));
  CHECK(no_control.state == TriggerState::fired);
}

TEST_CASE("what cannot be tested is held by name, and fires nothing") {
  const Quality quality = both_cohorts(100, 50).build();
  const auto results = evaluate_triggers({}, choose_comparison(quality, BaselineKind::control),
                                         kSample, {EvidenceConfig{}, Evidence{}});
  CHECK_FALSE(any_fired(results));
  CHECK(results.front().state == TriggerState::unconfirmed);
  CHECK(results.front().reason.code == "success_drop_unconfirmed");
  CHECK(has_arg(results.front(), "evidence"));
}

TEST_CASE("one user who retries a failing request takes nothing back, and is told") {
  CanaryCase c;
  // Twenty users, so that their spread is known; then one of them fails fifty times.
  c.steps(40, arm_of(5, 1, 0)).steps(10, arm_of_one_user(5, 5));
  const TriggerResult one = c.judge("success_drop", both_cohorts(250, 160));
  CHECK(one.state == TriggerState::unconfirmed);
  CanaryCase many;
  many.steps(40, arm_of(5, 1, 0)).steps(10, arm_of(5, 5, 0));
  CHECK(many.judge("success_drop", both_cohorts(250, 160)).state == TriggerState::fired);
}

TEST_CASE("runs that fail are no fallbacks: a dead canary does not fire fallback_rise") {
  CanaryCase dead;
  ArmFigures failing = arm_of(5, 5, 0);
  failing.aided = 5;
  dead.steps(50, arm_of(5, 0, 0)).steps(8, failing);
  CHECK(dead.judge("fallback_rise", both_cohorts(290, 250)).state == TriggerState::quiet);
  CanaryCase aided;
  ArmFigures falling_back = arm_of(5, 0, 0);
  falling_back.aided = 5;
  for (UserArm& user : falling_back.users) user.aided = 1;
  aided.steps(50, arm_of(5, 0, 0)).steps(8, falling_back);
  CHECK(aided.judge("fallback_rise", both_cohorts(290, 290)).state == TriggerState::fired);
}

TEST_CASE("p95 fires by a stretch where over one run in twenty is slower than the limit") {
  CanaryCase c;
  for (int i = 0; i < 12; ++i) c.steps(1, arm_of(5, 0, 0)).edges_above(4, 2);
  const TriggerResult slow = c.judge("p95_ratio", both_cohorts(2000, 2000));
  CHECK(slow.state == TriggerState::fired);
  CHECK(has_arg(slow, "stretch_since"));
  CanaryCase usual;
  for (int i = 0; i < 12; ++i) usual.steps(1, arm_of(5, 0, 0)).edges_above(0, 2);
  CHECK(usual.judge("p95_ratio", both_cohorts(2000, 2000)).state == TriggerState::quiet);
}

TEST_CASE("a canary that stays away fires, also where the window has no run of it") {
  CanaryCase c;
  c.steps(20, arm_of(5, 0, 0)).steps(90, ArmFigures());
  const TriggerResult gone =
      c.judge("canary_missing", QualityBuilder().current(make_runs(4000, 3600), Cohort::control));
  CHECK(gone.state == TriggerState::fired);
  CHECK(gone.reason.code == "canary_missing_fired");
  CHECK(gone.value == 0.0);
  CHECK(gone.baseline_value == 0.1);
  CHECK(has_arg(gone, "stretch_since"));
  const TriggerResult soon = CanaryCase()
                                 .steps(60, arm_of(5, 0, 0))
                                 .steps(5, ArmFigures())
                                 .judge("canary_missing", both_cohorts(300, 300));
  CHECK(soon.state == TriggerState::unconfirmed);
  const TriggerResult there =
      CanaryCase().steps(100, arm_of(5, 0, 0)).judge("canary_missing", both_cohorts(500, 480));
  CHECK(there.state == TriggerState::quiet);
}

TEST_CASE("without a rollout between 0 and 100 % no canary is missed") {
  const Quality quality = both_cohorts(100, 98).build();
  Evidence evidence = CanaryCase().steps(90, ArmFigures()).evidence();
  evidence.percent = 100;
  for (const TriggerResult& result :
       evaluate_triggers({}, choose_comparison(quality, BaselineKind::control), kSample,
                         {EvidenceConfig{}, evidence})) {
    CHECK(result.name != "canary_missing");
    CHECK(result.name != "success_collapse");
  }
}

TEST_CASE("a canary that fails altogether while it is cold is taken back, a slow start is not") {
  const auto judged = [](std::uint64_t failed) {
    CanaryCase c;
    for (int i = 0; i < 4; ++i) c.steps(1, ArmFigures()).cold(failed);
    return c.judge("success_collapse", both_cohorts(100, 98));
  };
  CHECK(judged(10).state == TriggerState::fired);
  CHECK(judged(10).value == 0.0);
  CHECK(judged(5).state == TriggerState::quiet);
}

}  // namespace
}  // namespace dagloop
