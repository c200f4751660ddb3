#include "dagloop/cycle/rollout_evidence.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "../../support/make_quality.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

PolicyValues policy(const std::string& percent, const std::string& attempts = "3") {
  return {{"DAG_ROLLOUT_PERCENT", percent}, {"DAG_NODE_MAX_ATTEMPTS", attempts}};
}

/// What a tick kept of a rollout that began at kAsOf - 48 h and was looked at an hour ago.
Evidence kept_at(int percent) {
  const Config config;
  Evidence evidence = evidence_to_go_on(
      {}, {policy(std::to_string(percent)), kAsOf - hours(48), kAsOf - hours(1)}, config);
  evidence.since = kAsOf - hours(48);
  evidence.until = kAsOf - hours(1);
  evidence.limits.usual = 900.0;
  evidence.tests["success_drop"].total = {{20, 4}, {180, 9}};
  return evidence;
}

Evidence go_on(const Evidence& kept, const PolicyValues& values,
               std::optional<TimePoint> since = kAsOf - hours(2)) {
  return evidence_to_go_on(kept, {values, since, kAsOf}, Config());
}

}  // namespace

TEST_CASE("evidence goes up the ladder with its rollout") {
  const Evidence kept = kept_at(10);
  const Evidence evidence = go_on(kept, policy("30"));
  CHECK(evidence.percent == 30);
  CHECK(evidence.since == kept.since);
  CHECK(evidence.until == kept.until);
  CHECK(evidence.tests == kept.tests);
}

TEST_CASE("evidence begins anew with other values, after a step down, and from 0 %") {
  for (const auto& [kept, values] :
       std::vector<std::pair<Evidence, PolicyValues>>{{kept_at(10), policy("10", "2")},
                                                      {kept_at(30), policy("10")},
                                                      {kept_at(0), policy("10")},
                                                      {Evidence(), policy("10")}}) {
    const Evidence evidence = go_on(kept, values);
    CHECK(evidence.tests.empty());
    CHECK(evidence.since == kAsOf - hours(2));
    CHECK(evidence.until == evidence.since);
    CHECK_FALSE(evidence.limits.usual);
  }
}

TEST_CASE("evidence begins anew with a policy that began again as it was") {
  Evidence kept = kept_at(30);
  CHECK(go_on(kept, policy("30"), kAsOf - hours(48)).tests == kept.tests);
  const Evidence again = go_on(kept, policy("30"), kAsOf - hours(2));
  CHECK(again.tests.empty());
  CHECK(again.since == kAsOf - hours(2));
  kept.step.reset();  // of unknown age, until now
  CHECK(go_on(kept, policy("30"), kAsOf - hours(2)).tests.empty());
  CHECK(go_on(kept, policy("30"), std::nullopt).tests == kept.tests);
}

TEST_CASE("of a policy of unknown age no canary is missed before the first look") {
  const Evidence unknown = go_on({}, policy("30"), std::nullopt);
  CHECK(unknown.percent == 30);
  CHECK(unknown.percent_before == 0);
  CHECK(unknown.percent_since == kAsOf);
  CHECK_FALSE(go_on({}, policy("30"), kAsOf - hours(2)).percent_since);
}

TEST_CASE("a step up the ladder is a step: what ended before it is warm by the one before") {
  const Evidence evidence = go_on(kept_at(10), policy("30"), kAsOf - hours(2));
  CHECK(evidence.step == kAsOf - hours(2));
  CHECK(evidence.step_before == kAsOf - hours(48));
  const NewsRequest request = news_for(evidence, BaselineKind::automatic, kAsOf, Config());
  CHECK(request.warmup.step == evidence.step);
  CHECK(request.warmup.before == evidence.step_before);
  CHECK(request.warmup.length == std::chrono::minutes(30));
  CHECK(request.sealed == kAsOf - hours(1));
}

TEST_CASE("evidence against one margin or threshold is none against another") {
  Config margin;
  margin.decision.evidence.excluded_drop_pp = 3;
  Config threshold;
  threshold.decision.triggers.p95_ms = 900;
  const EvidenceScope scope{policy("10"), kAsOf - hours(48), kAsOf};
  CHECK_FALSE(evidence_to_go_on(kept_at(10), scope, Config()).tests.empty());
  CHECK(evidence_to_go_on(kept_at(10), scope, margin).tests.empty());
  CHECK(evidence_to_go_on(kept_at(10), scope, threshold).tests.empty());
  Config level;
  level.decision.evidence.alpha = 0.02;
  CHECK(evidence_to_go_on(kept_at(10), scope, level).tests == kept_at(10).tests);
}

TEST_CASE("what is long in force is held against runs within the reach of evidence, never older") {
  Config config;
  config.window = hours(30);
  for (int age = 0; age <= 48; ++age) {
    CAPTURE(age);
    const TimePoint since = kAsOf - hours(age);
    for (const Window& window : mirrored(since, since, kAsOf)) {
      CHECK(window.start >= kAsOf - evidence_reach(config));
    }
  }
  CHECK(evidence_reach(config) == hours(96));
}

TEST_CASE("a policy of unknown age is counted from the window's beginning, never from before") {
  CHECK(go_on({}, policy("10"), std::nullopt).since == kAsOf - hours(24));
  CHECK(go_on({}, policy("10"), kAsOf - hours(300)).since == kAsOf - hours(24));
}

TEST_CASE(
    "where nothing is rolled out, it begins anew after a window, where it was last looked at") {
  Evidence kept = kept_at(100);
  kept.since = kAsOf - hours(24);
  CHECK(go_on(kept, policy("100"), kAsOf - hours(48)).tests == kept.tests);
  kept.since = kAsOf - hours(25);
  const Evidence evidence = go_on(kept, policy("100"), kAsOf - hours(48));
  CHECK(evidence.tests.empty());
  CHECK(evidence.since == kept.until);
  kept.percent = 30;  // a rollout has no such end
  CHECK(go_on(kept, policy("30"), kAsOf - hours(48)).tests == kept.tests);
}

TEST_CASE("canary is held against control between 0 and 100 %, else all against what was before") {
  const BaselineKind baseline = BaselineKind::automatic;
  CHECK(news_for(kept_at(30), baseline, kAsOf, Config()).before == NewsRequest::Before::leave_out);
  CHECK(news_for(kept_at(0), baseline, kAsOf, Config()).before == NewsRequest::Before::count);
  CHECK(news_for(kept_at(100), baseline, kAsOf, Config()).before == NewsRequest::Before::count);
  const NewsRequest request = news_for(kept_at(30), baseline, kAsOf, Config());
  CHECK(request.since == kAsOf - hours(48));
  CHECK(request.from == kAsOf - hours(1));
  CHECK(request.limits.usual == 900.0);
}

TEST_CASE("with a baseline of control the evidence takes cohorts wherever that is in effect") {
  CHECK(news_for(kept_at(0), BaselineKind::control, kAsOf, Config()).before ==
        NewsRequest::Before::leave_out);
  CHECK(news_for(kept_at(0), BaselineKind::previous, kAsOf, Config()).before ==
        NewsRequest::Before::count);
  CHECK(news_for(kept_at(30), BaselineKind::previous, kAsOf, Config()).before ==
        NewsRequest::Before::count);
}

TEST_CASE("news are added once, and what the first bets rest on is the baseline window") {
  Quality quality =
      QualityBuilder().baseline(make_runs(100, 80)).current(make_runs(50, 45)).build();
  quality.news.window = {kAsOf - hours(1), kAsOf};
  quality.news.canary.runs = 20;
  quality.news.canary.failed = 2;
  quality.news.control.runs = 180;
  Evidence evidence = go_on({}, policy("10"), kAsOf - hours(1));
  evidence = take_news(evidence, quality, BaselineKind::automatic, kAsOf, Config()).sealed;
  const RateEvidence& drop = evidence.tests.at("success_drop");
  CHECK(drop.total == Block{{20, 2}, {180, 0}});
  CHECK(drop.expectation == ArmCounts{100 + 180, 20});
  CHECK(evidence.until == kAsOf);
  quality.news.window = {kAsOf, kAsOf};
  const CollectedEvidence again =
      take_news(evidence, quality, BaselineKind::automatic, kAsOf, Config());
  CHECK(again.sealed == evidence);
  CHECK(again.all == evidence);
}

TEST_CASE("before a policy, as many days as after it are looked at, at the same hours") {
  const TimePoint since = kAsOf - hours(40);
  const auto windows = mirrored(since, kAsOf - hours(20), kAsOf);
  REQUIRE(windows.size() == 2);  // the first day's end, the second's beginning
  CHECK(windows[0] == Window{kAsOf - hours(44), kAsOf - hours(40)});
  CHECK(windows[1] == Window{kAsOf - hours(88), kAsOf - hours(72)});
  CHECK(mirrored(since, kAsOf, kAsOf).empty());
}

TEST_CASE("all looks together see each stretch before the policy once, hour for hour") {
  const TimePoint since = kAsOf - hours(72);
  std::vector<Window> seen;
  for (TimePoint from = since; from < kAsOf; from += hours(5)) {
    for (const Window& window : mirrored(since, from, std::min(kAsOf, from + hours(5)))) {
      CHECK(window.end <= since);
      seen.push_back(window);
    }
  }
  std::sort(seen.begin(), seen.end(),
            [](const Window& a, const Window& b) { return a.start < b.start; });
  TimePoint end = since - hours(72);
  for (const Window& window : seen) {
    CHECK(window.start == end);
    end = window.end;
  }
  CHECK(end == since);
}

TEST_CASE(
    "a fixed baseline stands for its policy while evidence begins anew, until another comes") {
  const EvidenceScope scope{policy("100"), kAsOf - hours(96), kAsOf, BaselineKind::automatic,
                            PolicyStanding::verified};
  EvidenceScope first = scope;
  first.as_of = kAsOf - hours(80);
  Evidence kept = evidence_to_go_on({}, first, Config());
  kept.until = kAsOf - hours(1);
  kept.fixed.until = kept.until;
  kept.fixed.counted = {1000, 50};
  EvidenceScope waits = scope;
  waits.standing = PolicyStanding::under_verification;
  CHECK_FALSE(evidence_to_go_on(kept, waits, Config()).fixed.bound);
  const Evidence verified = evidence_to_go_on(kept, scope, Config());
  REQUIRE(verified.fixed.bound);
  CHECK(*verified.fixed.bound > 0.05);
  CHECK(verified.since > kept.since);  // the evidence is older than a window, and begins anew
  kept.fixed = verified.fixed;
  EvidenceScope stepped = scope;
  stepped.values = policy("60");
  stepped.in_force_since = kAsOf - hours(2);
  const Evidence other = evidence_to_go_on(kept, stepped, Config());
  CHECK_FALSE(other.fixed.bound);
  CHECK(other.fixed.since >= kAsOf - hours(2));
  CHECK(other.fixed.policy != kept.fixed.policy);
}

TEST_CASE("where no policy was verified yet the first look fixes the baseline") {
  EvidenceScope first{policy("100"), std::nullopt, kAsOf - hours(1)};
  Evidence kept = evidence_to_go_on({}, first, Config());
  kept.until = kAsOf - hours(1);
  kept.fixed.until = kept.until;
  kept.fixed.counted = {10, 1};
  EvidenceScope scope = first;
  scope.as_of = kAsOf;
  CHECK_FALSE(evidence_to_go_on(kept, scope, Config()).fixed.bound);  // too few runs
  kept.fixed.counted = {600, 30};
  CHECK(evidence_to_go_on(kept, scope, Config()).fixed.bound);
  scope.standing = PolicyStanding::verified;
  CHECK_FALSE(evidence_to_go_on(kept, scope, Config()).fixed.bound);  // three days are not over
}

TEST_CASE("a policy of five runs a day gets its fixed baseline, if late") {
  Config config;
  config.decision.min_sample = 50;
  EvidenceScope scope{policy("100"), std::nullopt, kAsOf, BaselineKind::automatic,
                      PolicyStanding::verified};
  Evidence kept = evidence_to_go_on({}, scope, config);
  int days = 0;
  for (; days < 30 && !kept.fixed.bound; ++days) {
    scope.as_of += hours(24);
    Evidence evidence = evidence_to_go_on(kept, scope, config);
    Quality quality = QualityBuilder().build();
    quality.news = News();
    quality.news.window = {evidence.until, floor_to_slot(scope.as_of)};
    quality.news.all.runs = 5;
    kept = take_news(evidence, quality, BaselineKind::automatic, quality.news.window.end, config)
               .sealed;
  }
  CHECK(kept.fixed.bound);
  CHECK(days > 9);
  CHECK(kept.fixed.counted.trials < 100);
}
