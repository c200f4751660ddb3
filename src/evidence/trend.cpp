#include "dagloop/evidence/trend.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

// A month with a few days to spare; the normal approximation is good long before that.
constexpr std::size_t kMostForExact = 33;

/// Pairs of days by the way from the earlier to the later.
struct Pairs {
  std::int64_t rising = 0;
  std::int64_t falling = 0;
  std::int64_t tied = 0;
  std::vector<double> slopes;
};

Pairs pairs_of(const std::vector<DailyValue>& series) {
  Pairs pairs;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      const double rise = series[j].value - series[i].value;
      ++(rise > 0 ? pairs.rising : rise < 0 ? pairs.falling : pairs.tied);
      pairs.slopes.push_back(rise / (series[j].day - series[i].day));
    }
  }
  return pairs;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// The probability that a random order of n values has at most `most` falling pairs.
double order_probability(std::size_t n, std::int64_t most) {
  std::vector<double> share{1};  // by number of falling pairs
  for (std::size_t size = 2; size <= n; ++size) {
    std::vector<double> next(share.size() + size - 1);
    for (std::size_t pairs = 0; pairs < share.size(); ++pairs) {
      for (std::size_t more = 0; more < size; ++more) {
        next[pairs + more] += share[pairs] / static_cast<double>(size);
      }
    }
    share = std::move(next);
  }
  double sum = 0;
  for (std::int64_t pairs = 0; pairs <= most; ++pairs)
    sum += share[static_cast<std::size_t>(pairs)];
  return sum;
}

double exact_p(std::size_t n, const Pairs& pairs) {
  const std::int64_t fewer = std::min(pairs.rising, pairs.falling);
  return std::min(1.0, 2 * order_probability(n, fewer));
}

// Mann 1945 and Kendall: the number of rising pairs less that of falling ones, with its variance
// where values are tied.
double normal_p(const std::vector<DailyValue>& series, const Pairs& pairs) {
  std::map<double, double> times;
  for (const DailyValue& each : series) ++times[each.value];
  const auto n = static_cast<double>(series.size());
  double variance = n * (n - 1) * (2 * n + 5);
  for (const auto& [value, count] : times) variance -= count * (count - 1) * (2 * count + 5);
  const double z = static_cast<double>(pairs.rising - pairs.falling) / std::sqrt(variance / 18);
  return std::erfc(std::abs(z) / std::sqrt(2.0));
}

}  // namespace

Trend find_trend(const std::vector<DailyValue>& series) {
  DAGLOOP_ASSERT(series.size() >= 2);
  const Pairs pairs = pairs_of(series);
  Trend trend;
  trend.slope_per_day = median(pairs.slopes);
  const std::int64_t untied = pairs.rising + pairs.falling;
  if (untied == 0) return trend;
  trend.tau = static_cast<double>(pairs.rising - pairs.falling) /
              std::sqrt(static_cast<double>(untied) * static_cast<double>(untied + pairs.tied));
  const bool is_exact = pairs.tied == 0 && series.size() <= kMostForExact;
  trend.p_value = is_exact ? exact_p(series.size(), pairs) : normal_p(series, pairs);
  return trend;
}

}  // namespace dagloop
