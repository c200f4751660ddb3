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
#include <type_traits>
#include <utility>
#include <vector>

#include "dagloop/base/label.hpp"
#include "dagloop/kpi/stratum.hpp"

namespace dagloop {

/// Returns the hash by which labels keep their names. It is part of what a stored partial means.
std::uint64_t label_rank(const std::string& label);
/// Returns that of both names of a stratum.
std::uint64_t label_rank(const Stratum& stratum);

/// Returns that of `Key`: a label or a stratum.
template <typename Key>
Key other_key() {
  if constexpr (std::is_same_v<Key, Stratum>) {
    return other_stratum();
  } else {
    return Key(kOtherLabel);
  }
}

inline void add_counts(std::uint64_t from, std::uint64_t& to) { to += from; }
template <typename Counts>
void add_counts(const Counts& from, Counts& to) {
  to.merge(from);
}

/// Leaves the kMostLabels of the smallest hashes in `by_label`, with those of `named` and
/// kOtherLabel, under which it adds up the rest.
template <typename Key, typename Counts>
void bound_labels(std::map<Key, Counts>& by_label, const std::set<Key>& named = {}) {
  if (by_label.size() <= kMostLabels) return;
  using Place = typename std::map<Key, Counts>::iterator;
  const Key other = other_key<Key>();
  std::vector<std::pair<std::uint64_t, Place>> ranked;
  for (auto at = by_label.begin(); at != by_label.end(); ++at) {
    if (at->first == other || named.contains(at->first)) continue;
    ranked.emplace_back(label_rank(at->first), at);
  }
  if (ranked.size() <= kMostLabels) return;
  const auto others = ranked.begin() + kMostLabels;
  std::nth_element(ranked.begin(), others, ranked.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->first) < std::tie(b.first, b.second->first);
  });
  Counts& sum = by_label[other];
  for (auto at = others; at != ranked.end(); ++at) {
    add_counts(at->second->second, sum);
    by_label.erase(at->second);
  }
}

/// Does so now and then: while labels come one after another, so that they never are many more.
template <typename Key, typename Counts>
bool bound_many_labels(std::map<Key, Counts>& by_label, const std::set<Key>& named = {}) {
  if (by_label.size() <= 3 * kMostLabels + named.size()) return false;
  bound_labels(by_label, named);
  return true;
}

}  // namespace dagloop
