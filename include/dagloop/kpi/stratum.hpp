// Runs that are alike: of one pipeline, and planned by one source. Pure value types.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/histogram.hpp"
#include "dagloop/record/status.hpp"

namespace dagloop {

/// What runs that are alike have in common; empty: they name none.
struct Stratum {
  std::string pipeline;
  std::string plan_source;
  auto operator<=>(const Stratum&) const = default;
};

/// Returns the stratum of all that bounded labels left without a name of their own.
Stratum other_stratum();

/// Counts and durations of the runs of one stratum, as KpiPartial has them of all.
struct StratumPartial {
  std::uint64_t total_runs = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t succeeded_unaided = 0;
  std::uint64_t fallback = 0;
  std::uint64_t attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::array<std::uint64_t, kErrorClasses.size()> error_classes{};  // of codes as written
  std::vector<TimePoint> open_runs;
  DurationHistogram latency;  // in buckets: nobody asks for an exact quantile of a stratum

  /// Adds `other`. Associative and commutative.
  void merge(const StratumPartial& other);
  bool operator==(const StratumPartial&) const = default;
};

/// The strata that are told apart: what is not among them is one more, the rest.
using StrataList = std::vector<Stratum>;

inline constexpr std::size_t kMostStrata = 16;

/// Returns the strata with most runs, kMostStrata of them, the largest first; labels masked. What
/// bounded labels left without a name is none of them.
StrataList largest_strata(const std::map<Stratum, StratumPartial>& runs);

/// Returns the runs by place in `strata`; those at its size are the rest.
std::map<std::size_t, StratumPartial> by_place(const std::map<Stratum, StratumPartial>& runs,
                                               const StrataList& strata);

/// Returns the first place of the same pipeline; of the rest its own. A run that fell back was
/// planned by another source than it would have been, so fallbacks are compared within pipelines.
std::size_t first_of_pipeline(const StrataList& strata, std::size_t place);

/// Returns what a list, ascending by stratum, has of that of `fresh`; where it has nothing, `fresh`
/// is put there.
template <typename Counts>
Counts& at_stratum(std::vector<Counts>& by_stratum, const Counts& fresh) {
  const auto place = std::ranges::lower_bound(by_stratum, fresh.stratum, {}, &Counts::stratum);
  const bool is_there = place != by_stratum.end() && place->stratum == fresh.stratum;
  return is_there ? *place : *by_stratum.insert(place, fresh);
}

}  // namespace dagloop
