// What effect models need to know of a window's DAG runs: counts and whole distributions of
// durations, in coarse buckets. Value types; they stand in the quality report ("service").
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// Durations in buckets, 32 an octave: bucket -> count, ascending, no count is 0.
using CoarseDurations = std::vector<std::pair<std::int32_t, std::uint64_t>>;

/// Returns the buckets of `durations`: the same, whether it still has its durations or not.
CoarseDurations coarse_durations(const DurationHistogram& durations);

/// Returns the bucket that holds a duration, and where a bucket begins. Units: milliseconds.
std::int32_t coarse_bucket(double duration_ms);
double coarse_begin(std::int32_t bucket);

/// Attempts of one node.
struct NodeFigures {
  std::uint64_t pairs = 0;  // distinct runs that have the node
  std::uint64_t attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t retries_succeeded = 0;
  CoarseDurations durations;
  bool operator==(const NodeFigures&) const = default;
};

/// All runs and nodes.
struct ServiceFigures {
  CoarseDurations durations;  // of runs
  std::map<std::string, NodeFigures> nodes;
  bool operator==(const ServiceFigures&) const = default;
};

/// Takes the figures of `partial`; node names are masked as in reports.
ServiceFigures service_figures(const KpiPartial& partial);

}  // namespace dagloop
