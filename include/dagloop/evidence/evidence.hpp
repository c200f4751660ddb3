// Evidence for triggers and promotions, collected over a rollout: may be read at every tick.
// Pure value types; docs/decisions.md says what the figures mean.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "dagloop/evidence/latency_evidence.hpp"
#include "dagloop/evidence/rate_evidence.hpp"
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

/// What was collected of one rollout.
struct Evidence {
  std::string subject;  // fingerprint of the policy but for its percentage, and of what the
                        // tests are against; "": none yet
  int percent = 0;      // when it was last added to
  TimePoint since;      // what ended before is not counted
  TimePoint until;      // nor what ends later: the next news begin here
  SlowLimits limits;
  std::map<std::string, RateEvidence, std::less<>> tests;
  LatencyEvidence latency;  // at edges made of limits.usual
  bool operator==(const Evidence&) const = default;
};

/// Whose runs are held against whose.
enum class EvidenceSides { canary_and_control, all_and_before };

/// Adds what is new. Windows follow one another: `news` begins where the evidence ends, or is the
/// first.
void add_news(Evidence& evidence, const News& news, EvidenceSides sides,
              const EvidenceConfig& config);

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
  bool is_available = false;  // all that the test needs has been seen
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

/// Returns the evidence as if `unread` runs more had been counted of both sides, for promotions
/// alone: what could not be read never fires a trigger.
Evidence with_unread(Evidence evidence, const Block& unread, const EvidenceConfig& config);

/// Returns the smallest drop of the success rate (in percentage points) that a promotion at level
/// `alpha` could exclude with `runs` more runs of the canary at the present rates; nullopt: none.
std::optional<double> smallest_excludable_drop_pp(const Evidence& evidence, double alpha,
                                                  double runs);

}  // namespace dagloop
