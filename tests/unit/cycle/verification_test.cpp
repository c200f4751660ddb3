#include "dagloop/cycle/verification.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "../../support/make_quality.hpp"
#include "dagloop/report/words.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

constexpr Microseconds kSoak = hours(6);
const ChangeUnderVerification kChange{
    "d1", {{"DAG_ROLLOUT_PERCENT", {"0", "10"}}}, kAsOf - hours(7)};

Verification judge_by(EvidenceMode mode, const Quality& quality,
                      const std::vector<GateCheck>& checks, Microseconds since) {
  DecisionConfig config;
  config.soak = kSoak;
  config.evidence.mode = mode;
  return verify_change(kChange, evaluate_gate(checks, quality, {}), quality,
                       kChange.applied_at + since, config);
}

/// Judges `quality` by `checks`, `since` after the change, by the figures alone.
Verification judge(const Quality& quality, const std::vector<GateCheck>& checks = default_gate(),
                   Microseconds since = hours(7)) {
  return judge_by(EvidenceMode::point, quality, checks, since);
}

/// Judges `quality` when its soak is over, with sequential evidence.
Verification weigh(const Quality& quality, const std::vector<GateCheck>& checks = default_gate()) {
  return judge_by(EvidenceMode::sequential, quality, checks, hours(7));
}

/// 100 runs before and after the change, of which so many succeeded.
Quality runs_before_and_after(std::uint64_t before, std::uint64_t after) {
  return QualityBuilder().baseline(make_runs(100, before)).current(make_runs(100, after)).build();
}

}  // namespace

TEST_CASE("a change passes when its soak is over and no check fails") {
  const Verification verification = judge(runs_before_and_after(95, 95));
  CHECK(verification.outcome == VerificationOutcome::passed);
  CHECK(verification.reasons.empty());
}

TEST_CASE("a change waits while it soaks, and passes at the very end of its soak") {
  const Quality quality = runs_before_and_after(95, 95);
  const Verification early = judge(quality, default_gate(), kSoak - Microseconds(1));
  CHECK(early.outcome == VerificationOutcome::waiting);
  REQUIRE(early.reasons.size() == 1);
  CHECK(early.reasons.front().code == "soak_not_over");
  CHECK_THAT(reason_text(early.reasons.front()),
             Catch::Contains(format_time(kChange.applied_at + kSoak)));
  CHECK(judge(quality, default_gate(), kSoak).outcome == VerificationOutcome::passed);
}

TEST_CASE("a change misses at once when a check fails that held before, soaking or not") {
  const Quality quality = runs_before_and_after(95, 80);
  for (const Microseconds since : {Microseconds(hours(0)), kSoak, Microseconds(hours(48))}) {
    const Verification verification = judge(quality, default_gate(), since);
    CHECK(verification.outcome == VerificationOutcome::missed);
    CHECK(has_reason(verification.reasons, "pipeline_success_rate_below_threshold"));
  }
}

TEST_CASE("a change misses when a check fails and there is nothing to compare with") {
  const Quality none = QualityBuilder().current(make_runs(100, 80)).build();
  CHECK(judge(none).outcome == VerificationOutcome::missed);
  const Quality few =
      QualityBuilder().baseline(make_runs(19, 10)).current(make_runs(100, 80)).build();
  CHECK(judge(few).outcome == VerificationOutcome::missed);
}

TEST_CASE("a check that failed before the change is a miss only when it is worse now") {
  CHECK(judge(runs_before_and_after(80, 79)).outcome == VerificationOutcome::missed);
  CHECK(judge(runs_before_and_after(80, 80)).outcome == VerificationOutcome::passed);
  CHECK(judge(runs_before_and_after(80, 85)).outcome == VerificationOutcome::passed);
}

TEST_CASE("worse means higher for a check whose KPI is better when lower") {
  const std::vector<GateCheck> checks{
      {"fallback_rate", Population::dag, Comparator::at_most, 0.05, 20, Severity::fail}};
  const auto with_fallbacks = [](std::uint64_t before, std::uint64_t after) {
    KpiPartial old_runs = make_runs(100, 100);
    KpiPartial new_runs = make_runs(100, 100);
    old_runs.fallback = before;
    new_runs.fallback = after;
    return QualityBuilder().baseline(old_runs).current(new_runs).build();
  };
  CHECK(judge(with_fallbacks(10, 11), checks).outcome == VerificationOutcome::missed);
  CHECK(judge(with_fallbacks(10, 8), checks).outcome == VerificationOutcome::passed);
  CHECK(judge(with_fallbacks(4, 6), checks).outcome == VerificationOutcome::missed);
}

TEST_CASE("a check of severity warn never misses and never waits") {
  const std::vector<GateCheck> checks{
      {"pipeline_success_rate", Population::dag, Comparator::at_least, 0.9, 20, Severity::fail},
      {"fallback_rate", Population::dag, Comparator::at_least, 0.5, 20, Severity::warn},
      {"fanout_failed_rate", Population::dag, Comparator::at_most, 0.1, 20, Severity::warn}};
  CHECK(judge(runs_before_and_after(95, 95), checks).outcome == VerificationOutcome::passed);
}

TEST_CASE("a change waits for the sample of every check of severity fail") {
  const Quality quality =
      QualityBuilder().baseline(make_runs(100, 95)).current(make_runs(19, 19)).build();
  const Verification verification = judge(quality);
  CHECK(verification.outcome == VerificationOutcome::waiting);
  CHECK(has_reason(verification.reasons, "pipeline_success_rate_insufficient"));
}

TEST_CASE("a miss stands although another check lacks its sample") {
  const std::vector<GateCheck> checks{
      {"pipeline_success_rate", Population::dag, Comparator::at_least, 0.9, 20, Severity::fail},
      {"fanout_failed_rate", Population::dag, Comparator::at_most, 0.1, 20, Severity::fail}};
  CHECK(judge(runs_before_and_after(95, 80), checks).outcome == VerificationOutcome::missed);
}

TEST_CASE("a change waits while the data cannot be relied on, however bad the figures") {
  const Quality stale = QualityBuilder()
                            .baseline(make_runs(100, 95))
                            .current(make_runs(100, 10))
                            .newest_record(kAsOf - hours(7))
                            .build();
  const Verification verification = judge(stale);
  CHECK(verification.outcome == VerificationOutcome::waiting);
  CHECK(has_reason(verification.reasons, "data_stale"));
}

TEST_CASE("with too much unread a change is missed by what was read, and else waits") {
  const auto judged = [](std::uint64_t succeeded) {
    return judge(QualityBuilder()
                     .baseline(make_runs(100, 95))
                     .current(make_runs(100, succeeded))
                     .malformed(20, 100)
                     .build());
  };
  CHECK(judged(10).outcome == VerificationOutcome::missed);
  CHECK(judged(95).outcome == VerificationOutcome::waiting);
  CHECK(has_reason(judged(95).reasons, "malformed_share_above_limit"));
  CHECK(judged(95).grounds.empty());
}

TEST_CASE("a change is never verified by an empty gate") {
  CHECK(judge(runs_before_and_after(95, 95), {}).outcome == VerificationOutcome::waiting);
}

TEST_CASE("with sequential evidence a miss that may be noise is waited for, and does not pass") {
  const Verification verification = weigh(runs_before_and_after(95, 89));
  CHECK(verification.outcome == VerificationOutcome::waiting);
  REQUIRE(has_reason(verification.reasons, "pipeline_success_rate_below_threshold_unconfirmed"));
  CHECK_THAT(reason_text(verification.reasons.front()),
             Catch::Contains("may be noise: the rate lies between 72.9 % and 97.4 %"));
  CHECK(weigh(runs_before_and_after(95, 60)).outcome == VerificationOutcome::missed);
  CHECK(weigh(runs_before_and_after(95, 95)).outcome == VerificationOutcome::passed);
}

TEST_CASE("with sequential evidence a check that failed before has to be worse beyond noise") {
  CHECK(weigh(runs_before_and_after(60, 59)).outcome == VerificationOutcome::waiting);
  CHECK(weigh(runs_before_and_after(60, 5)).outcome == VerificationOutcome::missed);
  CHECK(weigh(runs_before_and_after(60, 61)).outcome == VerificationOutcome::passed);
}

TEST_CASE("with sequential evidence a figure that is no rate misses as it stands") {
  const std::vector<GateCheck> checks{
      {"p95_latency_ms", Population::dag, Comparator::at_most, 1, 20, Severity::fail}};
  const Quality quality =
      QualityBuilder().baseline(make_runs(100, 95, 0.5)).current(make_runs(100, 95)).build();
  CHECK(weigh(quality, checks).outcome == VerificationOutcome::missed);
}

TEST_CASE("looked at after every run, a change that just passes its gate is hardly ever blamed") {
  std::mt19937_64 dice(11);
  int blamed = 0;
  int failed_at_some_look = 0;
  for (int change = 0; change < 300; ++change) {
    std::uint64_t succeeded = 0;
    bool was_blamed = false;
    bool was_failing = false;
    for (std::uint64_t runs = 1; runs <= 100; ++runs) {
      if (dice() % 10 != 0) ++succeeded;
      const Quality quality =
          QualityBuilder().baseline(make_runs(100, 95)).current(make_runs(runs, succeeded)).build();
      was_blamed = was_blamed || weigh(quality).outcome == VerificationOutcome::missed;
      was_failing = was_failing || judge(quality).outcome == VerificationOutcome::missed;
    }
    if (was_blamed) ++blamed;
    if (was_failing) ++failed_at_some_look;
  }
  CHECK(blamed <= 3);
  CHECK(failed_at_some_look > 100);
}

TEST_CASE("what a change settles on is told as it is") {
  const Verification passed = judge(runs_before_and_after(95, 95));
  REQUIRE(passed.grounds.size() == 2);
  CHECK(passed.grounds[0].code == "gate_pass");
  CHECK(reason_text(passed.grounds[1]) ==
        "its effect is not worse than no change beyond the margin of 2 points: "
        "pipeline_success_rate is 95.0 % (95 of 100), before the change 95.0 % (95 of 100)");
}

TEST_CASE("a change that settles while the gate fails never says that it passed") {
  const Verification passed = judge(runs_before_and_after(80, 80));
  REQUIRE(passed.outcome == VerificationOutcome::passed);
  const std::string text = reasons_text(passed.grounds);
  CHECK_FALSE(has_reason(passed.grounds, "gate_pass"));
  CHECK_THAT(text, !Catch::Contains("passed"));
  CHECK_THAT(text, Catch::StartsWith("a check failed before the change, and fails no worse since"));
  CHECK_THAT(text, Catch::Contains("not worse than no change"));
}

TEST_CASE("a key whose effect is worse than the margin does not settle, a step is told of it") {
  const ChangeUnderVerification key{"d1", {{"DAG_NODE_TIMEOUT_MS", {"1", "2"}}}, kAsOf - hours(7)};
  const auto outcome = [&](EvidenceMode mode, std::uint64_t before, std::uint64_t after) {
    DecisionConfig config;
    config.evidence.mode = mode;
    const Quality quality =
        QualityBuilder().baseline(make_runs(1000, before)).current(make_runs(1000, after)).build();
    return verify_change(key, evaluate_gate(default_gate(), quality, {}), quality, kAsOf, config)
        .outcome;
  };
  CHECK(outcome(EvidenceMode::point, 990, 970) == VerificationOutcome::passed);
  CHECK(outcome(EvidenceMode::point, 990, 969) == VerificationOutcome::missed);
  CHECK(outcome(EvidenceMode::sequential, 990, 960) == VerificationOutcome::waiting);
  CHECK(outcome(EvidenceMode::sequential, 999, 905) == VerificationOutcome::missed);
  const Verification step = judge(runs_before_and_after(99, 95));
  CHECK(step.outcome == VerificationOutcome::passed);
  CHECK(has_reason(step.grounds, "effect_beyond_margin"));
}

TEST_CASE("a change settles only where it would with every unread run counted against it") {
  const auto with_unread = [](std::uint64_t unread) {
    return judge(QualityBuilder()
                     .baseline(make_runs(100, 95))
                     .current(make_runs(100, 95))
                     .unread(unread)
                     .build());
  };
  CHECK(with_unread(2).outcome == VerificationOutcome::passed);
  const Verification waits = with_unread(20);
  CHECK(waits.outcome == VerificationOutcome::waiting);
  REQUIRE(waits.reasons.size() == 1);
  CHECK(waits.reasons[0].code == "unreadable_records_could_change_this");
}

TEST_CASE("runs that never ended after a change count as failed ones") {
  const Verification verification = judge(QualityBuilder()
                                              .baseline(make_runs(100, 95))
                                              .current(make_runs(100, 95))
                                              .overdue(20)
                                              .build());
  CHECK(verification.outcome == VerificationOutcome::missed);
}
