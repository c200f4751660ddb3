// Evidence for triggers and promotions, collected over a rollout: may be read at every tick.
// Pure value types; docs/decisions.md says what the figures mean.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "dagloop/evidence/fixed_baseline.hpp"
#include "dagloop/evidence/latency_evidence.hpp"
#include "dagloop/evidence/rate_evidence.hpp"
#include "dagloop/evidence/user_sample.hpp"
#include "dagloop/kpi/arm_figures.hpp"
#include "dagloop/kpi/interval.hpp"

namespace dagloop {

/// `point`: estimates alone decide. `sequential`: a change that may be noise decides nothing.
enum class EvidenceMode { point, sequential };

/// Configuration, "decision": what evidence is asked for.
struct EvidenceConfig {
  EvidenceMode mode = EvidenceMode::sequential;
  double alpha = 0.01;            // of a false rollback in a whole rollout, over all triggers
  double promotion_alpha = 0.02;  // of reaching the ladder's top with a drop of the margin
  double excluded_drop_pp = 10;   // the drop that a promotion has to exclude
  Microseconds patience = std::chrono::hours(24 * 28);  // until a hold says that it cannot decide
};

/// The tests by name: one a trigger, and that of promotions.
inline constexpr std::string_view kPromotionTest = "promotion";

/// Tests whose figures are their own: the share of canary runs, and runs while a side is cold.
inline constexpr std::string_view kMissingTest = "canary_missing";
inline constexpr std::string_view kCollapseTest = "success_collapse";

/// What was collected of one rollout.
struct Evidence {
  std::string subject;     // fingerprint of the policy but for its percentage, and of what the
                           // tests are against; "": none yet
  int percent = 0;         // in force
  int percent_before = 0;  // until `percent_since`
  std::optional<TimePoint> percent_since;  // none: all the time
  TimePoint since;                         // what ended before is not counted
  TimePoint until;                         // nor what ends later: the next news begin here
  std::optional<TimePoint> step;           // the policy in force began here
  std::optional<TimePoint> step_before;    // and the one before it, of the same rollout
  SlowLimits limits;
  RatioTolerance tolerance;
  std::optional<StrataList> strata;  // that are told apart; none: no run of the reference yet
  std::map<std::string, RateEvidence, std::less<>> tests;
  LatencyEvidence latency;  // at edges made of limits.usual
  FixedBaseline fixed;
  UserSample subject_users;
  UserSample reference_users;
  std::map<std::string, double, std::less<>> day_effects;  // by test, with days as clusters; or 1
  bool operator==(const Evidence&) const = default;
};

/// Says that the rollout stands at `percent` since `since`. While steps of before are still to be
/// added, those count by the lower percentage: what is missed is what both would miss.
void set_percent(Evidence& evidence, int percent, TimePoint since);

/// Says what each stratum of `evidence.strata` is expected to give, the rest last: what its runs
/// of the reference gave before.
void expect_by_stratum(Evidence& evidence, const std::vector<ArmFigures>& usual);

/// Whose runs are held against whose.
enum class EvidenceSides { canary_and_control, all_and_before };

/// Adds what is new, step by step (without steps: as one). Windows follow one another: `news`
/// begins where the evidence ends, or is the first. The fixed baseline takes `least_fixing` runs.
void add_news(Evidence& evidence, const News& news, EvidenceSides sides,
              const EvidenceConfig& config, std::uint64_t least_fixing = 1);

/// What was counted since the evidence last began to rise.
struct StretchView {
  TimePoint since;
  Block counts;
  // What the trigger's figure counts of them, among runs that are alike: of fallback_rise without
  // failed runs. None: no stratum has both sides.
  std::optional<AlikeRates> figure;
  bool is_of_strata = false;              // whether `figure` is of more than one
  std::vector<std::uint64_t> above;       // of the subject, above each of latency_edges(); or empty
  double log_gain = 0;                    // of the best bet since then, discounted
  ArmCounts worst;                        // the subject's user with most events beyond the expected
  std::optional<double> e_without_worst;  // of one block of it all, but for that user
};

/// How one test stands.
struct EvidenceView {
  double e_value = 1;  // the greatest so far; at most 1e300
  double needed = 1;   // from here on it decides
  double alpha = 1;
  ArmCounts subject;
  ArmCounts reference;                 // no trials where the test holds against a given rate
  std::optional<Interval> difference;  // of the rates, subject - reference, at all times at once
  std::optional<std::uint64_t> more_trials;  // of the subject, at the present rates; none: never
  Microseconds collected_over{0};
  bool is_available = false;              // all that the test needs has been seen
  double design_effect = 1;               // of users or of days, whichever is larger
  std::optional<Spread> users;            // none: the source names no users
  std::optional<double> e_without_worst;  // of one block of all counts, but for the worst user's
  std::optional<StretchView> stretch;     // none: nothing speaks for a change just now
  bool decides() const { return e_value >= needed; }
};

/// Returns how the test of a trigger stands, or (kPromotionTest) that of a promotion for which
/// alpha is `alpha`.
///
/// Shape: an unknown name gives a view without trials.
EvidenceView view_trigger(const Evidence& evidence, std::string_view trigger,
                          const EvidenceConfig& config);
EvidenceView view_promotion_test(const Evidence& evidence, double alpha,
                                 const EvidenceConfig& config);

/// Returns the view of the latencies of both sides; none where a side was not counted.
std::optional<LatencyView> view_latencies(const Evidence& evidence, const EvidenceConfig& config);

/// Returns the evidence as if `unread` runs more had been counted of both sides, for promotions
/// alone: what could not be read never fires a trigger.
Evidence with_unread(Evidence evidence, const Block& unread, const EvidenceConfig& config);

/// Returns the smallest drop of the success rate (in percentage points) that a promotion at level
/// `alpha` could exclude with `runs` more runs of the canary at the present rates; nullopt: none.
std::optional<double> smallest_excludable_drop_pp(const Evidence& evidence, double alpha,
                                                  double runs);

}  // namespace dagloop
