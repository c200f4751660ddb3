#include "dagloop/kpi/stratum.hpp"

#include <algorithm>
#include <utility>

#include "dagloop/base/label.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// Once more: a database, and a store of earlier days, may hold labels as they were written.
Stratum masked_stratum(const Stratum& stratum) {
  return {redact_label(stratum.pipeline), redact_label(stratum.plan_source)};
}

}  // namespace

Stratum other_stratum() { return {std::string(kOtherLabel), std::string(kOtherLabel)}; }

void StratumPartial::merge(const StratumPartial& other) {
  total_runs += other.total_runs;
  succeeded += other.succeeded;
  succeeded_unaided += other.succeeded_unaided;
  fallback += other.fallback;
  attempts += other.attempts;
  failed_attempts += other.failed_attempts;
  for (std::size_t i = 0; i < error_classes.size(); ++i) error_classes[i] += other.error_classes[i];
  if (!other.open_runs.empty()) {
    const auto middle = static_cast<std::ptrdiff_t>(open_runs.size());
    open_runs.insert(open_runs.end(), other.open_runs.begin(), other.open_runs.end());
    std::inplace_merge(open_runs.begin(), open_runs.begin() + middle, open_runs.end());
  }
  latency.merge(other.latency);
}

StrataList largest_strata(const std::map<Stratum, StratumPartial>& runs) {
  std::map<Stratum, std::uint64_t> sizes;
  for (const auto& [stratum, counts] : runs) {
    if (counts.total_runs > 0 && stratum != other_stratum()) {
      sizes[masked_stratum(stratum)] += counts.total_runs;
    }
  }
  std::vector<std::pair<Stratum, std::uint64_t>> all(sizes.begin(), sizes.end());
  // By name, where they are of one size: the order must not depend on the source.
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) { return a.second > b.second; });
  StrataList largest;
  for (auto& [stratum, size] : all) {
    if (largest.size() == kMostStrata) break;
    largest.push_back(std::move(stratum));
  }
  return largest;
}

std::map<std::size_t, StratumPartial> by_place(const std::map<Stratum, StratumPartial>& runs,
                                               const StrataList& strata) {
  std::map<std::size_t, StratumPartial> placed;
  for (const auto& [stratum, counts] : runs) {
    const auto found = std::ranges::find(strata, masked_stratum(stratum));
    placed[static_cast<std::size_t>(found - strata.begin())].merge(counts);
  }
  return placed;
}

std::size_t first_of_pipeline(const StrataList& strata, std::size_t place) {
  if (place >= strata.size()) return place;
  const auto first = std::ranges::find(strata, strata[place].pipeline, &Stratum::pipeline);
  return static_cast<std::size_t>(first - strata.begin());
}

}  // namespace dagloop
