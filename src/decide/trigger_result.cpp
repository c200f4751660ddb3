#include "dagloop/decide/trigger_result.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "decide/figures.hpp"

namespace dagloop {

double ratio_base(std::string_view kpi, double baseline, std::uint64_t sample_count) {
  constexpr double kLeastLatency_ms = 1;
  constexpr double kLeastEvents = 0.5;
  if (!is_rate_name(std::string(kpi))) return std::max(baseline, kLeastLatency_ms);
  return std::max(baseline, kLeastEvents / as_double(std::max<std::uint64_t>(sample_count, 1)));
}

double tolerated_ratio(const std::optional<double>& limit) {
  return limit ? std::sqrt(std::max(1.0, *limit)) : 1;
}

RatioTolerance tolerance_of(const TriggerThresholds& thresholds) {
  return {tolerated_ratio(thresholds.error_ratio),
          tolerated_ratio(thresholds.attempt_failure_ratio)};
}

std::string_view to_string(TriggerState state) {
  constexpr std::array<std::string_view, 4> kWords{"fired", "quiet", "insufficient", "unconfirmed"};
  return kWords.at(static_cast<std::size_t>(state));
}

bool any_fired(const std::vector<TriggerResult>& triggers) {
  return std::any_of(triggers.begin(), triggers.end(), [](const TriggerResult& trigger) {
    return trigger.state == TriggerState::fired;
  });
}

}  // namespace dagloop
