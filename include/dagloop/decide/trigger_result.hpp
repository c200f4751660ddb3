// Rollback triggers: their thresholds, and how each stands. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/decide/reason.hpp"
#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Thresholds of the triggers (configuration, "decision.triggers"); nullopt turns one off.
struct TriggerThresholds {
  std::optional<double> success_drop_pp = 10.0;       // percentage points
  std::optional<double> error_ratio = 2.0;            // auth and server, times the baseline
  std::optional<double> p95_ms;                       // absolute
  std::optional<double> p95_ratio = 1.5;              // times the baseline
  std::optional<double> attempt_failure_ratio = 2.0;  // times the baseline
  std::optional<double> fallback_pp = 10.0;           // percentage points
  std::optional<double> decline_pp = 5.0;  // points below what was verified: asks a person
  std::uint64_t error_floor = 5;  // fewer errors (or failed attempts) than this never fire a ratio
};

/// The reason for which a person is asked: success has declined since the policy was verified.
inline constexpr std::string_view kDeclined = "success_declined";

/// Returns by how many times a figure may be worse before that counts as evidence: the square root
/// of its limit. What is half as bad as the limit (in logarithms) is no reason to go back.
double tolerated_ratio(const std::optional<double>& limit);

/// Returns it for each ratio of rates.
RatioTolerance tolerance_of(const TriggerThresholds& thresholds);

/// `unconfirmed`: the figures cross the limit, but may still be noise, or rest on one user.
enum class TriggerState { fired, quiet, insufficient, unconfirmed };

/// Returns the printed word.
std::string_view to_string(TriggerState state);

/// How one trigger stands.
struct TriggerResult {
  std::string name;  // "success_drop", "error_ratio.auth", "p95_absolute", ...
  std::string kpi;
  TriggerState state = TriggerState::insufficient;
  std::optional<double> value;
  std::optional<double> baseline_value;
  double threshold = 0;
  std::uint64_t sample_count = 0;
  std::uint64_t baseline_sample_count = 0;
  std::optional<EvidenceView> evidence;  // where sequential evidence is asked for
  Reason reason;
};

/// Returns what a ratio is to: the baseline's figure, or what is taken in place of nothing: 1 ms,
/// or half an event. A ratio to 0 would be no data, and 0 ms against 2 s would say nothing.
double ratio_base(std::string_view kpi, double baseline, std::uint64_t sample_count);

/// What triggers rest on besides the figures.
struct TriggerEvidence {
  const EvidenceConfig& config;
  const Evidence& collected;
};

/// Returns whether any has fired.
bool any_fired(const std::vector<TriggerResult>& triggers);

}  // namespace dagloop
