#include "dagloop/decide/threshold_search.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kHundredths = 100;
constexpr double kForgiven = 1e-9;  // by which a trigger's comparison lets figures miss its limit

double firing_limit(const TriggerResult& trigger) {
  if (trigger.state != TriggerState::fired || !trigger.value || !trigger.baseline_value) {
    return SearchTick::kNever;
  }
  const double value = *trigger.value;
  const double baseline = *trigger.baseline_value;
  if (trigger.name == "success_drop") return (baseline - value) * 100 + kForgiven;
  return (value + kForgiven) / ratio_base(trigger.kpi, baseline, trigger.baseline_sample_count);
}

// The smallest value that a configuration may have.
double least(std::string_view key) { return key == "success_drop_pp" ? 0.01 : 1.01; }

}  // namespace

std::optional<double>& threshold_of(TriggerThresholds& thresholds, std::string_view key) {
  if (key == "success_drop_pp") return thresholds.success_drop_pp;
  if (key == "error_ratio") return thresholds.error_ratio;
  if (key == "p95_ratio") return thresholds.p95_ratio;
  DAGLOOP_ASSERT(key == "attempt_failure_ratio");
  return thresholds.attempt_failure_ratio;
}

bool MarkedRegressions::mark(TimePoint at) const {
  return std::any_of(windows.begin(), windows.end(), [&](const Window& regression) {
    return regression.start <= at && at < end_of_echo(regression);
  });
}

TriggerThresholds probing(TriggerThresholds thresholds) {
  // Crossed by any figures: then the result tells the statistic itself.
  thresholds.success_drop_pp = -1000;
  thresholds.error_ratio = 0;
  thresholds.p95_ratio = 0;
  thresholds.attempt_failure_ratio = 0;
  return thresholds;
}

double firing_limit(const std::vector<TriggerResult>& triggers, std::string_view key) {
  const std::string_view name = key == "success_drop_pp" ? "success_drop" : key;
  double limit = SearchTick::kNever;
  for (const TriggerResult& trigger : triggers) {
    // error_ratio is the threshold of two triggers.
    const bool is_of_key =
        trigger.name == name || trigger.name.starts_with(std::string(name) + ".");
    if (is_of_key) limit = std::max(limit, firing_limit(trigger));
  }
  return limit;
}

std::size_t count_alarms(const std::vector<SearchTick>& ticks, double threshold) {
  std::size_t count = 0;
  bool was_firing = false;
  for (const SearchTick& tick : ticks) {
    const bool fires = tick.statistic >= threshold;
    if (fires && !was_firing && !tick.is_marked) ++count;
    was_firing = fires;
  }
  return count;
}

// An alarm begins at a tick with the thresholds above the tick before's statistic and up to its
// own: an interval of thresholds. The bound is the highest point that too many of them cover.
double threshold_bound(const std::vector<SearchTick>& ticks, std::size_t most) {
  std::vector<std::pair<double, int>> ends;
  double before = SearchTick::kNever;
  for (const SearchTick& tick : ticks) {
    if (tick.statistic > before && !tick.is_marked) {
      ends.emplace_back(tick.statistic, 1);
      ends.emplace_back(before, -1);
    }
    before = tick.statistic;
  }
  std::sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a > b; });
  std::int64_t covering = 0;
  for (std::size_t i = 0; i < ends.size();) {
    const double at = ends[i].first;
    // At `at` itself those that end here from below no longer count, and those that begin do.
    std::int64_t leaving = 0;
    for (; i < ends.size() && ends[i].first == at; ++i) {
      (ends[i].second > 0 ? covering : leaving) += ends[i].second;
    }
    covering += leaving;
    if (covering > static_cast<std::int64_t>(most)) return at;
  }
  return SearchTick::kNever;
}

SuggestedThreshold suggest_threshold(std::string_view key, std::optional<double> present,
                                     const std::vector<SearchTick>& ticks, std::size_t most) {
  DAGLOOP_ASSERT(std::ranges::is_sorted(ticks, {}, &SearchTick::at));
  SuggestedThreshold result{std::string(key), present, std::nullopt, "", 0, {}};
  const bool was_seen = std::any_of(ticks.begin(), ticks.end(), [](const SearchTick& tick) {
    return tick.statistic > SearchTick::kNever;
  });
  if (!was_seen) {
    result.note = "at no tick did observations and evidence suffice: no threshold gives an alarm";
    return result;
  }
  const double bound = threshold_bound(ticks, most);
  if (bound == kInfinity) {
    result.note = "fires at any threshold: the baseline is 0 where the figure is not";
    return result;
  }
  constexpr double kMargin = 1e-6;
  // Two digits, as people write thresholds. Rounded up: at the bound itself there would be an alarm
  // too many.
  const double above = (std::floor((bound + kMargin) * kHundredths) + 1) / kHundredths;
  result.suggested = std::max(least(key), above);
  if (key == "success_drop_pp" && *result.suggested > 100) {
    result.suggested.reset();
    result.note = "no drop of at most 100 points is rare enough";
    return result;
  }
  result.false_alarms = count_alarms(ticks, *result.suggested);
  return result;
}

}  // namespace dagloop
