// Which evidence goes on from one tick to the next, and which begins anew. Composes decide and kpi.
#pragma once

#include "dagloop/config/config.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/evidence/evidence.hpp"
#include "dagloop/kpi/daily_figures.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Whether the policy in force is verified: its fixed baseline waits for that. Where no policy ever
/// was, as before the first change and in a replay, the first look stands for it.
enum class PolicyStanding { none_verified, under_verification, verified };

/// What the evidence is about.
struct EvidenceScope {
  PolicyValues values;                      // in force
  std::optional<TimePoint> in_force_since;  // unknown: since the window's beginning
  TimePoint as_of;
  BaselineKind baseline = BaselineKind::automatic;  // baseline_in_effect()
  PolicyStanding standing = PolicyStanding::none_verified;
};

/// What was collected of a rollout.
struct CollectedEvidence {
  Evidence sealed;  // what is kept: of runs whose records have all arrived
  Evidence all;     // with what is counted again at the next look
};

/// Returns the evidence that the next news are added to: `kept`, or none yet.
///
/// Shape: a rollout of one policy up the ladder is one; a step down, another policy, or a test
///        against another margin or threshold, begins anew, and so does, where nothing is rolled
///        out, what is older than the window (whole days).
Evidence evidence_to_go_on(const Evidence& kept, const EvidenceScope& scope, const Config& config);

/// Returns evidence of the same policy without anything that was counted so far, as a person begins
/// a new rollout of it.
Evidence begun_anew(const Evidence& evidence);

/// Returns how far before an assessment the runs may lie that all runs are held against.
Microseconds evidence_reach(const Config& config);

/// Returns what has to be counted for it at `as_of`; `baseline` is that in effect.
NewsRequest news_for(const Evidence& evidence, BaselineKind baseline, TimePoint as_of,
                     const Config& config);

/// Adds what was counted: what ended at `sealed` or before for good.
///
/// Shape: as `quality` was asked for by news_for(), which gives `sealed`, too.
CollectedEvidence take_news(Evidence evidence, const Quality& quality, BaselineKind baseline,
                            TimePoint sealed, const Config& config);

/// Says how far the runs of a day hang together, where all runs are held against those before: by
/// the figures of `days`, or without them by what is usual.
void weigh_by_days(Evidence& evidence, BaselineKind baseline,
                   const std::vector<DailyFigures>& days);

/// Returns the evidence that one report gives by itself: of its own figures alone.
Evidence evidence_of_report(const Quality& quality, const EvidenceScope& scope,
                            const Config& config);

}  // namespace dagloop
