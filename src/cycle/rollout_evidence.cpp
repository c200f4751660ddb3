#include "dagloop/cycle/rollout_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/evidence/day_effect.hpp"
#include "dagloop/evidence/decline.hpp"

namespace dagloop {
namespace {

int percent_of(const PolicyValues& values, const Config& config) {
  return rollout_percent(values, config.decision.rollout_key).value_or(0);
}

std::string text_of(const PolicyValues& values) {
  std::string text;
  for (const auto& [key, value] : values) text.append(key).append("=").append(value).append("\n");
  return text;
}

// What was counted against another margin or threshold is no evidence against this one.
std::string subject_of(PolicyValues values, const Config& config) {
  values.erase(config.decision.rollout_key);
  const TriggerThresholds& triggers = config.decision.triggers;
  const RatioTolerance tolerance = tolerance_of(triggers);
  std::string text = fmt::format("{} {} {} {} {}\n", config.decision.evidence.excluded_drop_pp,
                                 triggers.p95_ms.value_or(0), tolerated_ratio(triggers.p95_ratio),
                                 tolerance.errors, tolerance.attempts);
  return sha256_hex(text + text_of(values));
}

// Of a policy long in force: no further back than the windows are read anyway, but for whole days.
Microseconds steady_epoch(const Config& config) {
  return std::chrono::ceil<std::chrono::days>(config.window);
}

bool is_between(int percent) { return percent > 0 && percent < 100; }

bool takes_cohorts(int percent, BaselineKind kind) {
  return kind == BaselineKind::control || (kind == BaselineKind::automatic && is_between(percent));
}

// What is expected of the reference before any of its runs was seen.
ArmCounts expected(const Kpi* kpi, bool counts_the_others) {
  if (kpi == nullptr || kpi->denominator == 0 || kpi->numerator > kpi->denominator) return {};
  const std::uint64_t others = kpi->denominator - kpi->numerator;
  return expectation_of({kpi->denominator, counts_the_others ? others : kpi->numerator});
}

// Runs that failed and those that fell back, as if none did both: a bet, no count.
ArmCounts expected_not_unaided(const KpiSet& kpis) {
  ArmCounts counts = expected(kpis.find("pipeline_success_rate"), true);
  counts.events += expected(kpis.find("fallback_rate"), false).events;
  counts.events = std::min(counts.events, counts.trials);
  return counts;
}

void expect(Evidence& evidence, const KpiSet& kpis) {
  const auto set = [&](std::string_view test, std::string_view kpi, bool counts_the_others) {
    evidence.tests[std::string(test)].expectation = expected(kpis.find(kpi), counts_the_others);
  };
  evidence.tests["fallback_rise"].expectation = expected_not_unaided(kpis);
  set("success_drop", "pipeline_success_rate", true);
  set(kPromotionTest, "pipeline_success_rate", true);
  set("error_ratio.auth", "error_rate.auth", false);
  set("error_ratio.server", "error_rate.server", false);
  set("attempt_failure_ratio", "attempt_failure_rate", false);
  // 5 % of the runs lie above a p95, by definition; 100 runs is how much that belief weighs.
  evidence.tests["p95_ratio"].expectation = {100, 5};
}

void begin(Evidence& evidence, const Quality& quality) {
  if (evidence.tests.empty()) {
    const PopulationKpis* reference = nullptr;
    if (quality.baseline) reference = &quality.baseline->population(Population::dag);
    if (reference != nullptr) expect(evidence, reference->decided());
  }
  if (evidence.strata || !quality.news.strata) return;
  evidence.strata = quality.news.strata;
  expect_by_stratum(evidence, quality.news.usual);
}

// The part of the news whose steps end in `window`; all of them where they are not counted apart.
News steps_in(const News& news, const Window& window) {
  if (news.window == window) return news;
  News part{window, news.limits, {}, {}, {}, {}, {}, news.strata};
  for (const NewsStep& step : news.steps) {
    if (step.window.start >= window.start && step.window.end <= window.end) {
      part.steps.push_back(step);
    }
  }
  return part;
}

// What is fixed by fewer runs would say nothing; kFixingRuns always do.
std::uint64_t least_fixing(const Config& config) {
  return std::clamp<std::uint64_t>(config.decision.min_sample, 1, kFixingRuns);
}

// A baseline of the same policy goes on, whatever else begins anew; a policy of its own gets one.
void go_on_with_baseline(const Evidence& kept, const EvidenceScope& scope, const Config& config,
                         Evidence& evidence) {
  const std::string policy = sha256_hex(text_of(scope.values));
  FixedBaseline& fixed = evidence.fixed;
  fixed = kept.fixed;
  const bool is_begun_again = scope.in_force_since && *scope.in_force_since > fixed.since;
  if (fixed.policy != policy || is_begun_again) {
    const TimePoint begun = ceil_to_slot(scope.in_force_since.value_or(evidence.until));
    fixed = FixedBaseline();
    fixed.policy = policy;
    fixed.since = std::max(evidence.until, begun);
    fixed.until = fixed.since;
    return;
  }
  if (fixed.bound || scope.standing == PolicyStanding::under_verification) return;
  const Microseconds time = scope.standing == PolicyStanding::verified
                                ? kFixingTime
                                : std::min(kFixingTime, config.window);
  const bool is_due = fixed.counted.trials >= kFixingRuns || fixed.until - fixed.since >= time;
  if (is_due && fixed.counted.trials >= least_fixing(config)) fixed.fix(failure_effect(kept));
}

}  // namespace

Evidence evidence_to_go_on(const Evidence& kept, const EvidenceScope& scope, const Config& config) {
  const int percent = percent_of(scope.values, config);
  const std::string subject = subject_of(scope.values, config);
  const TimePoint end = floor_to_slot(scope.as_of);
  // The share of a canary may grow within one test: its runs are compared with control runs of the
  // same time. Where it shrinks, or the first canary comes (from 0 %), the sides are other ones.
  const bool is_same_rollout = kept.subject == subject && percent >= kept.percent &&
                               (kept.percent > 0 || percent == 0) && kept.since <= end;
  const bool is_over =
      !takes_cohorts(percent, scope.baseline) && end - kept.since > steady_epoch(config);
  // Begun once more, as it was: what was counted before that is of another policy, or of an age of
  // this one that nobody knows.
  const bool is_begun_again = scope.in_force_since && scope.in_force_since != kept.step &&
                              percent == kept.percent && *scope.in_force_since > kept.since;
  if (is_same_rollout && !is_over && !is_begun_again) {
    Evidence evidence = kept;
    set_percent(evidence, percent, scope.in_force_since.value_or(evidence.until));
    if (scope.in_force_since != evidence.step) {
      evidence.step_before = evidence.step;
      evidence.step = scope.in_force_since;
    }
    go_on_with_baseline(kept, scope, config, evidence);
    return evidence;
  }
  Evidence evidence;
  evidence.subject = subject;
  evidence.percent = percent;
  evidence.tolerance = tolerance_of(config.decision.triggers);
  evidence.step = scope.in_force_since;
  // Where nobody knows since when the percentage holds, no canary is missed before this look.
  if (!scope.in_force_since) evidence.percent_since = end;
  const TimePoint earliest = end - config.window;
  // Of a policy long in force what was counted counts no more: it begins anew.
  const bool goes_on = is_same_rollout && !is_begun_again;
  const TimePoint begun = goes_on ? kept.until : scope.in_force_since.value_or(earliest);
  evidence.since = std::clamp(ceil_to_slot(begun), earliest, end);
  evidence.until = evidence.since;
  go_on_with_baseline(kept, scope, config, evidence);
  return evidence;
}

Evidence begun_anew(const Evidence& evidence) {
  Evidence anew;
  anew.subject = evidence.subject;
  anew.percent = evidence.percent;
  anew.tolerance = evidence.tolerance;
  anew.since = evidence.until;
  anew.until = evidence.until;
  return anew;
}

Microseconds evidence_reach(const Config& config) { return 2 * steady_epoch(config); }

NewsRequest news_for(const Evidence& evidence, BaselineKind baseline, TimePoint as_of,
                     const Config& config) {
  const bool has_control = takes_cohorts(evidence.percent, baseline);
  const TimePoint sealed = floor_to_slot(as_of - config.input.lateness);
  return {evidence.since,
          evidence.until,
          std::max(evidence.until, sealed),
          evidence.limits,
          has_control ? NewsRequest::Before::leave_out : NewsRequest::Before::count,
          {evidence.step, evidence.step_before, warmup_in_effect(config.decision)},
          evidence.strata};
}

CollectedEvidence take_news(Evidence evidence, const Quality& quality, BaselineKind baseline,
                            TimePoint sealed, const Config& config) {
  const News& news = quality.news;
  // Two ticks in one slot: there is nothing new.
  if (news.window.end <= news.window.start) return {evidence, evidence};
  DAGLOOP_ASSERT(news.window.start == evidence.until);  // no run is left out, or twice in
  evidence.limits = news.limits;
  begin(evidence, quality);
  const auto sides = takes_cohorts(evidence.percent, baseline) ? EvidenceSides::canary_and_control
                                                               : EvidenceSides::all_and_before;
  const auto add = [&](Evidence to, const Window& window) {
    if (window.start < window.end) {
      add_news(to, steps_in(news, window), sides, config.decision.evidence, least_fixing(config));
    }
    return to;
  };
  const TimePoint end = std::clamp(sealed, news.window.start, news.window.end);
  CollectedEvidence collected{add(std::move(evidence), {news.window.start, end}), {}};
  collected.all = add(collected.sealed, {end, news.window.end});
  return collected;
}

void weigh_by_days(Evidence& evidence, BaselineKind baseline,
                   const std::vector<DailyFigures>& days) {
  evidence.day_effects.clear();
  if (!takes_cohorts(evidence.percent, baseline)) set_day_effects(evidence, days);
}

Evidence evidence_of_report(const Quality& quality, const EvidenceScope& scope,
                            const Config& config) {
  Evidence evidence = evidence_to_go_on({}, scope, config);
  evidence.since = quality.news.window.start;
  evidence.until = evidence.since;
  // By itself it is all that there is: nothing is added later.
  Evidence all =
      take_news(std::move(evidence), quality, scope.baseline, quality.news.window.end, config).all;
  weigh_by_days(all, scope.baseline, {});
  return all;
}

}  // namespace dagloop
