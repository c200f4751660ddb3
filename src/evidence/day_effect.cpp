#include "dagloop/evidence/day_effect.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <ratio>
#include <string_view>

namespace dagloop {
namespace {

constexpr std::size_t kFewestDays = 7;
constexpr std::ptrdiff_t kMostDaysBefore = 28;
constexpr double kPriorDeviation = 0.03;  // of a daily rate
constexpr double kMostPrior = 0.05;       // so that rare errors can be found at all

double prior_correlation(double rate) {
  const double variance = rate * (1 - rate);
  if (variance <= 0) return kMostPrior;
  return std::min(kMostPrior, kPriorDeviation * kPriorDeviation / variance);
}

double as_number(std::uint64_t count) { return static_cast<double>(count); }

/// Sums over days.
struct DaySums {
  double runs = 0;
  double events = 0;
  double squares = 0;  // of the runs of each day
};

DaySums sums_of(const std::vector<DailyRate>& days) {
  DaySums sums;
  for (const DailyRate& day : days) {
    const double runs = as_number(day.runs);
    sums.runs += runs;
    sums.events += runs * day.rate;
    sums.squares += runs * runs;
  }
  return sums;
}

// How the daily figures of a test are made from those that are kept. Of errors of one class only
// all failures are known by day: what moves those from day to day moves these.
std::optional<double> daily_rate_of(std::string_view test, const DailyFigures& day) {
  const auto value = [&](const char* kpi) -> std::optional<double> {
    const auto found = day.values.find(kpi);
    if (found == day.values.end()) return std::nullopt;
    return std::clamp(found->second, 0.0, 1.0);
  };
  if (test.starts_with("p95")) return std::nullopt;  // by day only the p95 itself is kept
  if (test == "attempt_failure_ratio") return value("attempt_failure_rate");
  const auto success = value("pipeline_success_rate");
  if (!success || test != "fallback_rise") return success ? std::optional(1 - *success) : success;
  return std::min(1.0, 1 - *success + value("fallback_rate").value_or(0));
}

std::vector<DailyRate> before(const Evidence& evidence, std::string_view test,
                              const std::vector<DailyFigures>& days) {
  std::vector<DailyRate> found;
  for (const DailyFigures& day : days) {
    if (day.runs == 0 || day.day + std::chrono::hours(24) > evidence.since) continue;
    if (const auto rate = daily_rate_of(test, day)) found.push_back({day.runs, *rate});
  }
  const auto surplus = std::max<std::ptrdiff_t>(0, std::ssize(found) - kMostDaysBefore);
  found.erase(found.begin(), found.begin() + surplus);
  return found;
}

}  // namespace

double day_correlation(const std::vector<DailyRate>& days, double expected_rate) {
  const double prior = prior_correlation(expected_rate);
  if (days.size() < kFewestDays) return prior;
  const DaySums sums = sums_of(days);
  const double rate = sums.events / sums.runs;
  const double mean_runs = sums.squares / sums.runs;
  if (rate <= 0 || rate >= 1 || mean_runs <= 1) return prior;
  double squares = 0;
  for (const DailyRate& day : days) {
    const double off = as_number(day.runs) * (day.rate - rate);
    squares += off * off;
  }
  const double count = as_number(days.size());
  const double effect = squares / (sums.runs * rate * (1 - rate)) * count / (count - 1);
  const double correlation = std::max(0.0, (effect - 1) / (mean_runs - 1));
  return std::min(1.0, correlation * (count - 1) / (count - 3));
}

void set_day_effects(Evidence& evidence, const std::vector<DailyFigures>& days) {
  const double elapsed =
      std::chrono::duration<double, std::ratio<86400>>(evidence.until - evidence.since).count();
  for (const auto& [name, test] : evidence.tests) {
    const ArmCounts& usual =
        test.total.reference.trials > 0 ? test.total.reference : test.expectation;
    const double expected = usual.trials > 0 ? rate_of(usual) : 0.0;
    const double runs_a_day = as_number(test.total.subject.trials) / std::max(1.0, elapsed);
    const double correlation = day_correlation(before(evidence, name, days), expected);
    evidence.day_effects[name] = 1 + correlation * std::max(0.0, runs_a_day - 1);
  }
}

}  // namespace dagloop
