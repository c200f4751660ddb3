#include "dagloop/decide/trigger.hpp"

#include <catch2/catch.hpp>

#include "dagloop/report/words.hpp"
#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using test::make_node;
using test::make_runs;
using test::make_runs_with_errors;
using test::QualityBuilder;

constexpr std::uint64_t kMinSample = 20;

EvidenceConfig figures_alone() {
  EvidenceConfig config;
  config.mode = EvidenceMode::point;
  return config;
}

/// Evaluates the triggers for a window and the one before, and returns the one called `name`.
TriggerResult trigger_of(const std::string& name, const KpiPartial& subject,
                         const KpiPartial& reference, const TriggerThresholds& thresholds = {}) {
  const Quality quality = QualityBuilder().current(subject).baseline(reference).build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::previous);
  for (TriggerResult& result :
       evaluate_triggers(thresholds, comparison, kMinSample, {figures_alone(), Evidence{}})) {
    if (result.name == name) return result;
  }
  FAIL("no trigger " << name);
  return {};
}

KpiPartial with_attempts(std::uint64_t attempts, std::uint64_t failed) {
  KpiPartial runs = make_runs(100, 100);
  runs.nodes["n1"] = make_node(attempts, failed);
  return runs;
}

TEST_CASE("a drop of the success rate fires from exactly ten points on") {
  const auto state = [](std::uint64_t succeeded, std::uint64_t before) {
    return trigger_of("success_drop", make_runs(1000, succeeded), make_runs(1000, before)).state;
  };
  CHECK(state(850, 950) == TriggerState::fired);
  CHECK(state(849, 950) == TriggerState::fired);
  CHECK(state(851, 950) == TriggerState::quiet);
  CHECK(state(990, 950) == TriggerState::quiet);
}

TEST_CASE("a drop of exactly the limit fires whatever the rates' last bits") {
  for (std::uint64_t before = 10; before <= 100; ++before) {
    CAPTURE(before);
    CHECK(trigger_of("success_drop", make_runs(100, before - 10), make_runs(100, before)).state ==
          TriggerState::fired);
    CHECK(trigger_of("success_drop", make_runs(100, before - 9), make_runs(100, before)).state ==
          TriggerState::quiet);
  }
}

TEST_CASE("a result shows both figures, their samples and the limit") {
  const TriggerResult result = trigger_of("success_drop", make_runs(50, 40), make_runs(200, 190));
  CHECK(result.kpi == "pipeline_success_rate");
  CHECK(result.value == 0.8);
  CHECK(result.baseline_value == 0.95);
  CHECK(result.threshold == 10.0);
  CHECK(result.sample_count == 50);
  CHECK(result.baseline_sample_count == 200);
  CHECK(result.reason.code == "success_drop_fired");
  CHECK(
      reason_text(result.reason) ==
      "pipeline_success_rate of dag is 80.0 % (40 of 50), of previous window 95.0 % (190 of 200); "
      "the limit is a drop of 10 points or more");
}

TEST_CASE("an error ratio fires from exactly twice the baseline on, for auth and for server") {
  for (const auto& [name, code] :
       {std::pair{"error_ratio.auth", "TOOL_AUTH_ERROR"}, std::pair{"error_ratio.server", "503"}}) {
    const auto state = [&, trigger = name, error = code](std::uint64_t errors) {
      return trigger_of(trigger, make_runs_with_errors(100, 90, {{error, errors}}),
                        make_runs_with_errors(300, 290, {{error, 15}}))
          .state;
    };
    CAPTURE(name);
    CHECK(state(9) == TriggerState::quiet);
    CHECK(state(10) == TriggerState::fired);
    CHECK(state(11) == TriggerState::fired);
  }
}

TEST_CASE("errors of one class do not fire the ratio of the other") {
  const auto subject = make_runs_with_errors(100, 80, {{"TOOL_AUTH_ERROR", 20}});
  const auto reference = make_runs(100, 100);
  CHECK(trigger_of("error_ratio.auth", subject, reference).state == TriggerState::fired);
  CHECK(trigger_of("error_ratio.server", subject, reference).state == TriggerState::quiet);
}

TEST_CASE("with a baseline of 0 the floor on the count decides") {
  const auto state = [](std::uint64_t errors) {
    return trigger_of("error_ratio.auth", make_runs_with_errors(100, 90, {{"401", errors}}),
                      make_runs(100, 100))
        .state;
  };
  CHECK(state(0) == TriggerState::quiet);
  CHECK(state(1) == TriggerState::quiet);
  CHECK(state(4) == TriggerState::quiet);
  CHECK(state(5) == TriggerState::fired);
}

TEST_CASE("no errors at all never fire a ratio, not even with a floor of 0") {
  TriggerThresholds thresholds;
  thresholds.error_floor = 0;
  CHECK(
      trigger_of("error_ratio.auth", make_runs(100, 100), make_runs(100, 100), thresholds).state ==
      TriggerState::quiet);
}

TEST_CASE("a storm of retries fires although every run succeeds") {
  CHECK(trigger_of("attempt_failure_ratio", with_attempts(200, 40), with_attempts(200, 20)).state ==
        TriggerState::fired);
  CHECK(trigger_of("attempt_failure_ratio", with_attempts(200, 39), with_attempts(200, 20)).state ==
        TriggerState::quiet);
  CHECK(trigger_of("attempt_failure_ratio", with_attempts(200, 4), with_attempts(200, 1)).state ==
        TriggerState::quiet);
}

TEST_CASE("without node records the attempt trigger is insufficient") {
  const TriggerResult result =
      trigger_of("attempt_failure_ratio", make_runs(100, 100), make_runs(100, 100));
  CHECK(result.state == TriggerState::insufficient);
  CHECK(result.reason.code == "attempt_failure_ratio_insufficient");
  CHECK_FALSE(result.value.has_value());
}

TEST_CASE("the absolute p95 trigger fires above its limit, not at it") {
  TriggerThresholds thresholds;
  thresholds.p95_ms = 1000;
  const auto state = [&](double latency_ms) {
    return trigger_of("p95_absolute", make_runs(50, 50, latency_ms), make_runs(50, 50), thresholds)
        .state;
  };
  CHECK(state(1000) == TriggerState::quiet);
  CHECK(state(1001) == TriggerState::fired);
}

TEST_CASE("the p95 ratio fires above its limit, not at it") {
  const auto state = [](double latency_ms) {
    return trigger_of("p95_ratio", make_runs(50, 50, latency_ms), make_runs(50, 50, 1000)).state;
  };
  CHECK(state(1500) == TriggerState::quiet);
  CHECK(state(1501) == TriggerState::fired);
}

TEST_CASE("a p95 of exactly the ratio stays quiet whatever the product's last bits") {
  TriggerThresholds thresholds;
  thresholds.p95_ratio = 1.4;  // 90 * 1.4 is a little below 126
  for (int base_ms = 10; base_ms <= 1000; base_ms += 10) {
    CAPTURE(base_ms);
    CHECK(trigger_of("p95_ratio", make_runs(20, 20, base_ms * 14 / 10), make_runs(20, 20, base_ms),
                     thresholds)
              .state == TriggerState::quiet);
  }
}

TEST_CASE("a baseline p95 of 0 counts as 1 ms") {
  const auto state = [](double p95_ms) {
    return trigger_of("p95_ratio", make_runs(50, 50, p95_ms), make_runs(50, 50, 0)).state;
  };
  CHECK(state(2000) == TriggerState::fired);
  CHECK(state(1.4) == TriggerState::quiet);
  CHECK(state(0) == TriggerState::quiet);
  CHECK(
      reason_text(trigger_of("p95_ratio", make_runs(50, 50, 2000), make_runs(50, 50, 0)).reason) ==
      "p95_latency_ms of dag is 2.00 s (n = 50), of previous window 0 ms (n = 50); the limit is "
      "more than 1.5 times that, taken as 1 ms where it is less");
}

TEST_CASE("a baseline without any failure counts as half of one") {
  // 0.5 of 30 is 1.67 %: the limit is 3.33 %.
  const auto state = [](std::uint64_t errors) {
    return trigger_of("error_ratio.server", make_runs_with_errors(210, 200, {{"503", errors}}),
                      make_runs(30, 30))
        .state;
  };
  CHECK(state(7) == TriggerState::fired);
  CHECK(state(6) == TriggerState::quiet);
  const TriggerResult attempts =
      trigger_of("attempt_failure_ratio", with_attempts(200, 8), with_attempts(20, 0));
  CHECK(attempts.state == TriggerState::quiet);
  CHECK(trigger_of("attempt_failure_ratio", with_attempts(200, 10), with_attempts(20, 0)).state ==
        TriggerState::fired);
}

TEST_CASE("fallbacks that rise by ten points fire") {
  const auto state = [](std::uint64_t now, std::uint64_t before) {
    KpiPartial subject = make_runs(100, 100);
    subject.fallback = now;
    KpiPartial reference = make_runs(100, 100);
    reference.fallback = before;
    return trigger_of("fallback_rise", subject, reference).state;
  };
  CHECK(state(10, 0) == TriggerState::fired);
  CHECK(state(9, 0) == TriggerState::quiet);
  CHECK(state(60, 50) == TriggerState::fired);
  CHECK(state(50, 50) == TriggerState::quiet);
  CHECK(state(0, 50) == TriggerState::quiet);
}

TEST_CASE("runs that never ended count as failed ones of class timeout") {
  const Quality quality = QualityBuilder()
                              .current(make_runs(30, 30), Cohort::canary)
                              .overdue(120, Cohort::canary)
                              .current(make_runs(900, 900), Cohort::control)
                              .build();
  const auto results = evaluate_triggers({}, choose_comparison(quality, BaselineKind::automatic),
                                         kMinSample, {figures_alone(), Evidence{}});
  CHECK(results[0].state == TriggerState::fired);
  CHECK(results[0].value == 0.2);
  CHECK(results[0].sample_count == 150);
}

TEST_CASE("runs without durations leave the p95 triggers insufficient") {
  TriggerThresholds thresholds;
  thresholds.p95_ms = 1000;
  for (const std::string name : {"p95_absolute", "p95_ratio"}) {
    CHECK(trigger_of(name, make_runs(50, 50, std::nullopt), make_runs(50, 50), thresholds).state ==
          TriggerState::insufficient);
  }
}

TEST_CASE("a side below the sample makes a trigger insufficient, at the sample it is judged") {
  CHECK(trigger_of("success_drop", make_runs(19, 0), make_runs(100, 100)).state ==
        TriggerState::insufficient);
  CHECK(trigger_of("success_drop", make_runs(100, 0), make_runs(19, 19)).state ==
        TriggerState::insufficient);
  CHECK(trigger_of("success_drop", make_runs(20, 0), make_runs(20, 20)).state ==
        TriggerState::fired);
}

TEST_CASE("an insufficient subject is forecast, an insufficient baseline named") {
  CHECK(reason_text(trigger_of("success_drop", make_runs(12, 0), make_runs(100, 100)).reason) ==
        "pipeline_success_rate: 12 of 20 observations of dag; "
        "8 more needed; at the present rate (12 in 1d) in about 16h");
  CHECK(reason_text(trigger_of("success_drop", make_runs(100, 0), make_runs(19, 19)).reason) ==
        "pipeline_success_rate: 19 of 20 observations of previous window");
}

TEST_CASE("the absolute p95 trigger needs the subject alone; without evidence it is held") {
  TriggerThresholds thresholds;
  thresholds.p95_ms = 1000;
  const Quality quality = QualityBuilder().current(make_runs(50, 50, 2000)).build();
  const auto results =
      evaluate_triggers(thresholds, choose_comparison(quality, BaselineKind::automatic), kMinSample,
                        {EvidenceConfig{}, Evidence{}});
  REQUIRE(results.size() == 7);
  for (const TriggerResult& result : results) {
    CAPTURE(result.name);
    CHECK(result.state ==
          (result.name == "p95_absolute" ? TriggerState::unconfirmed : TriggerState::insufficient));
    CHECK_FALSE(result.baseline_value.has_value());
  }
}

TEST_CASE("without canary runs every trigger is insufficient") {
  const Quality quality = QualityBuilder().current(make_runs(50, 0), Cohort::control).build();
  const auto results = evaluate_triggers({}, choose_comparison(quality, BaselineKind::automatic),
                                         kMinSample, {EvidenceConfig{}, Evidence{}});
  CHECK(results.size() == 6);
  CHECK_FALSE(any_fired(results));
  for (const TriggerResult& result : results) CHECK(result.state == TriggerState::insufficient);
}

TEST_CASE("triggers come in a fixed order, and those turned off do not come") {
  const Quality quality =
      QualityBuilder().current(make_runs(50, 50)).baseline(make_runs(50, 50)).build();
  const Comparison comparison = choose_comparison(quality, BaselineKind::previous);
  const auto names = [&](const TriggerThresholds& thresholds) {
    std::vector<std::string> all;
    for (const auto& result :
         evaluate_triggers(thresholds, comparison, kMinSample, {figures_alone(), Evidence{}})) {
      all.push_back(result.name);
    }
    return all;
  };
  TriggerThresholds thresholds;
  thresholds.p95_ms = 1000;
  CHECK(names(thresholds) == std::vector<std::string>{"success_drop", "error_ratio.auth",
                                                      "error_ratio.server", "p95_absolute",
                                                      "p95_ratio", "attempt_failure_ratio",
                                                      "fallback_rise"});
  thresholds.success_drop_pp = std::nullopt;
  thresholds.error_ratio = std::nullopt;
  thresholds.p95_ratio = std::nullopt;
  thresholds.fallback_pp = std::nullopt;
  CHECK(names(thresholds) == std::vector<std::string>{"p95_absolute", "attempt_failure_ratio"});
  thresholds.p95_ms = std::nullopt;
  thresholds.attempt_failure_ratio = std::nullopt;
  CHECK(names(thresholds).empty());
}

TEST_CASE("any_fired wants one fired trigger") {
  TriggerResult quiet;
  quiet.state = TriggerState::quiet;
  TriggerResult fired;
  fired.state = TriggerState::fired;
  CHECK_FALSE(any_fired({}));
  CHECK_FALSE(any_fired({quiet, TriggerResult{}}));
  CHECK(any_fired({quiet, fired}));
}

TEST_CASE("trigger states print as their words") {
  CHECK(to_string(TriggerState::fired) == "fired");
  CHECK(to_string(TriggerState::quiet) == "quiet");
  CHECK(to_string(TriggerState::insufficient) == "insufficient");
}

}  // namespace
}  // namespace dagloop
