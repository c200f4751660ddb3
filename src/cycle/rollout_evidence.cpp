#include "dagloop/cycle/rollout_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/decide/rollout.hpp"

namespace dagloop {
namespace {

int percent_of(const PolicyValues& values, const Config& config) {
  return rollout_percent(values, config.decision.rollout_key).value_or(0);
}

// What was counted against another margin or threshold is no evidence against this one.
std::string subject_of(PolicyValues values, const Config& config) {
  values.erase(config.decision.rollout_key);
  std::string text = fmt::format("{} {}\n", config.decision.evidence.excluded_drop_pp,
                                 config.decision.triggers.p95_ms.value_or(0));
  for (const auto& [key, value] : values) text.append(key).append("=").append(value).append("\n");
  return sha256_hex(text);
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
  if (!evidence.tests.empty()) return;
  const PopulationKpis* reference = nullptr;
  if (quality.baseline) reference = &quality.baseline->population(Population::dag);
  if (reference != nullptr) expect(evidence, reference->decided());
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
  if (is_same_rollout && !is_over) {
    Evidence evidence = kept;
    evidence.percent = percent;
    return evidence;
  }
  Evidence evidence;
  evidence.subject = subject;
  evidence.percent = percent;
  const TimePoint earliest = end - config.window;
  // Of a policy long in force what was counted counts no more: it begins anew.
  const TimePoint begun = is_same_rollout ? kept.until : scope.in_force_since.value_or(earliest);
  evidence.since = std::clamp(ceil_to_slot(begun), earliest, end);
  evidence.until = evidence.since;
  return evidence;
}

Microseconds evidence_reach(const Config& config) { return 2 * steady_epoch(config); }

NewsRequest news_for(const Evidence& evidence, BaselineKind baseline) {
  const bool has_control = takes_cohorts(evidence.percent, baseline);
  return {evidence.since, evidence.until, evidence.limits,
          has_control ? NewsRequest::Before::leave_out : NewsRequest::Before::count};
}

void take_news(Evidence& evidence, const Quality& quality, BaselineKind baseline,
               const Config& config) {
  // Two ticks in one slot: there is nothing new.
  if (quality.news.window.end <= quality.news.window.start) return;
  DAGLOOP_ASSERT(quality.news.window.start == evidence.until);  // no run is left out, or twice in
  begin(evidence, quality);
  evidence.limits = quality.news.limits;
  const auto sides = takes_cohorts(evidence.percent, baseline) ? EvidenceSides::canary_and_control
                                                               : EvidenceSides::all_and_before;
  add_news(evidence, quality.news, sides, config.decision.evidence);
}

Evidence evidence_of_report(const Quality& quality, const EvidenceScope& scope,
                            const Config& config) {
  Evidence evidence = evidence_to_go_on({}, scope, config);
  evidence.since = quality.news.window.start;
  evidence.until = evidence.since;
  take_news(evidence, quality, scope.baseline, config);
  return evidence;
}

}  // namespace dagloop
