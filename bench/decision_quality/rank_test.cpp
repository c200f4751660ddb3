#include "rank_test.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace dagloop::bench {

void PairedSeries::add(double first, double second) {
  constexpr std::size_t kMost = 96;
  values_.push_back({first, second});
  if (values_.size() > kMost) values_.pop_front();
}

bool PairedSeries::first_is_greater(double z) const {
  const std::size_t n = values_.size();
  if (n < 10) return false;
  std::vector<std::pair<double, bool>> all;
  for (const Pair& pair : values_) {
    all.push_back({pair.first, true});
    all.push_back({pair.second, false});
  }
  std::sort(all.begin(), all.end());
  double rank_sum = 0;
  double ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t j = i;
    while (j < all.size() && all[j].first == all[i].first) ++j;
    const double tied = static_cast<double>(j - i);
    const double rank = static_cast<double>(i + j + 1) / 2;
    for (std::size_t k = i; k < j; ++k) rank_sum += all[k].second ? rank : 0;
    ties += tied * tied * tied - tied;
    i = j;
  }
  const auto m = static_cast<double>(n);
  const double mean = m * (2 * m + 1) / 2;
  const double variance = m * m / 12 * (2 * m + 1 - ties / (2 * m * (2 * m - 1)));
  return variance > 0 && rank_sum - mean > z * std::sqrt(variance);
}

}  // namespace dagloop::bench
