// One look at a report by itself, against a cycle that looks by the hour.
#include <catch2/catch.hpp>
#include <cmath>

#include "../../support/make_quality.hpp"
#include "../../support/scripted_source.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/cycle/assessment.hpp"
#include "dagloop/report/documents.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

const PolicyValues kHalf{{"DAG_ROLLOUT_PERCENT", "50"}};

/// Spreads `runs` runs evenly over a day; `slow` of them take three times as long, evenly, too.
void add_day(ScriptedSource& source, Cohort cohort, std::uint64_t runs, std::uint64_t slow) {
  for (std::uint64_t i = 0; i < runs; ++i) {
    const bool is_slow = (i + 1) * slow / runs > i * slow / runs;
    source.add(kAsOf - hours(24) + i * (hours(24) / runs), make_runs(1, 1, is_slow ? 3000 : 1000),
               cohort);
  }
}

Quality look(ScriptedSource& source, const Config& config) {
  const EvaluationRequest request{kAsOf, hours(24), config.baseline, std::nullopt};
  const Quality quality = evaluate(source, request, config, FixedClock(kAsOf));
  const Json document = quality_to_json(quality);
  CHECK(to_pretty_json(document).size() < 256 * 1024);
  return quality_from_json(document, "r.json");
}

double log_e(const Evidence& evidence, const char* test) {
  return std::log(view_trigger(evidence, test, {}).e_value);
}

Evidence of_one_look(ScriptedSource& source, const Config& config) {
  return evidence_of_report(look(source, config), {kHalf, std::nullopt, kAsOf}, config);
}

Evidence of_hourly_ticks(ScriptedSource& source, const Config& config) {
  Evidence kept;
  for (TimePoint now = kAsOf - hours(23); now <= kAsOf; now += hours(1)) {
    PolicyHistory history;
    history.in_force_since = kAsOf - hours(24);
    const FixedClock clock(now);
    kept = assess({config, {}, {}}, {kHalf, "", history, kept, now},
                  [&](const EvaluationRequest& request) {
                    return evaluate(source, request, config, clock);
                  })
               .evidence.all;
  }
  return kept;
}

}  // namespace

TEST_CASE("one look at a day reaches a quarter of the logarithm that hourly looks reach") {
  Config config;
  config.input.lateness = Microseconds(0);
  config.decision.warmup = Microseconds(0);
  ScriptedSource source;
  add_day(source, Cohort::canary, 1700, 230);
  add_day(source, Cohort::control, 1700, 85);
  const double hourly = log_e(of_hourly_ticks(source, config), "p95_ratio");
  CHECK(hourly > 20);
  CHECK(log_e(of_one_look(source, config), "p95_ratio") > hourly / 4);
}

TEST_CASE("one look compares within the same hours, as a cycle does") {
  const Config config;
  ScriptedSource source;
  // An hour's outage on both sides, in which most runs were the canary's.
  for (int slot = 0; slot < 288; ++slot) {
    const bool is_out = slot >= 100 && slot < 112;
    const TimePoint at = kAsOf - hours(24) + slot * minutes(5);
    source.add(at, make_runs(is_out ? 20 : 2, is_out ? 4 : 2), Cohort::canary);
    source.add(at, make_runs(is_out ? 4 : 4, is_out ? 1 : 4), Cohort::control);
  }
  const Quality quality = look(source, config);
  CHECK(quality.news.canary.failed == 192);
  CHECK_FALSE(quality.news.steps.empty());
  CHECK(quality.news.steps.size() <= kMostBlocks);
  const EvidenceScope scope{kHalf, std::nullopt, kAsOf};
  CHECK(log_e(evidence_of_report(quality, scope, config), "success_drop") < std::log(20));
  Quality whole = quality;
  whole.news.steps.clear();
  CHECK(log_e(evidence_of_report(whole, scope, config), "success_drop") > std::log(1000));
}

TEST_CASE("blocks of one look hold each run once, on each side, whatever the window is") {
  for (const int days : {1, 7, 30}) {
    Config config;
    config.window = hours(24 * days);
    ScriptedSource source;
    std::uint64_t runs = 0;
    for (TimePoint at = kAsOf - 2 * config.window; at < kAsOf; at += minutes(35)) {
      source.add(at, make_runs(2, 1), at > kAsOf - hours(5) ? Cohort::canary : Cohort::control);
      if (at >= kAsOf - config.window) runs += 2;
    }
    const Quality quality = evaluate(source, {kAsOf, config.window, config.baseline, std::nullopt},
                                     config, FixedClock(kAsOf));
    CHECK(quality.news.steps.size() <= kMostBlocks);
    ArmCounts cohorts;
    ArmCounts all;
    ArmCounts before;
    for (const NewsStep& step : quality.news.steps) {
      cohorts += {step.canary.runs + step.control.runs, step.canary.failed + step.control.failed};
      all += {step.all.runs, step.all.failed};
      before += {step.before.runs, step.before.failed};
    }
    CHECK(all == ArmCounts{runs, runs / 2});
    CHECK(cohorts == all);
    CHECK(before == ArmCounts{quality.news.before.runs, quality.news.before.failed});
    CHECK(to_pretty_json(quality_to_json(quality)).size() < 256 * 1024);
  }
}
