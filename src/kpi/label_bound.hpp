// Private to the kpi layer: leaves a name to few of many labels, so that what is merged later
// leaves it to the same ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dagloop/base/label.hpp"

namespace dagloop {

/// Returns the hash by which labels keep their names. It is part of what a stored partial means.
std::uint64_t label_rank(const std::string& label);

inline void add_counts(std::uint64_t from, std::uint64_t& to) { to += from; }
template <typename Counts>
void add_counts(const Counts& from, Counts& to) {
  to.merge(from);
}

/// Leaves the kMostLabels of the smallest hashes in `by_label`, with those of `named` and
/// kOtherLabel, under which it adds up the rest.
template <typename Counts>
void bound_labels(std::map<std::string, Counts>& by_label,
                  const std::set<std::string>& named = {}) {
  if (by_label.size() <= kMostLabels) return;
  using Place = typename std::map<std::string, Counts>::iterator;
  std::vector<std::pair<std::uint64_t, Place>> ranked;
  for (auto at = by_label.begin(); at != by_label.end(); ++at) {
    if (at->first == kOtherLabel || named.contains(at->first)) continue;
    ranked.emplace_back(label_rank(at->first), at);
  }
  if (ranked.size() <= kMostLabels) return;
  const auto others = ranked.begin() + kMostLabels;
  std::nth_element(ranked.begin(), others, ranked.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->first) < std::tie(b.first, b.second->first);
  });
  Counts& sum = by_label[std::string(kOtherLabel)];
  for (auto at = others; at != ranked.end(); ++at) {
    add_counts(at->second->second, sum);
    by_label.erase(at->second);
  }
}

/// Does so now and then: while labels come one after another, so that they never are many more.
template <typename Counts>
bool bound_many_labels(std::map<std::string, Counts>& by_label,
                       const std::set<std::string>& named = {}) {
  if (by_label.size() <= 3 * kMostLabels + named.size()) return false;
  bound_labels(by_label, named);
  return true;
}

}  // namespace dagloop
