// What sequential evidence counts of one side of a comparison. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// Latencies above which a run counts as slow. Units: milliseconds.
struct SlowLimits {
  std::optional<double> usual;     // what 5 % of the runs exceed where nothing has changed
  std::optional<double> absolute;  // the configured threshold of p95
  // What 5 % of the subject's may exceed; none: as `usual`.
  std::optional<double> tolerated = std::nullopt;
  bool operator==(const SlowLimits&) const = default;
};

inline constexpr std::size_t kLatencyEdges = 33;

/// Returns the kLatencyEdges latencies at which distributions are compared: an eighth of an octave
/// apart, from a quarter of `usual_ms` to four times that. Units: milliseconds; `usual_ms` > 0.
std::vector<double> latency_edges(double usual_ms);

/// Returns whether these can be the counts above each edge of `runs` runs: one an edge, none more
/// than that before it.
bool are_counts_above_edges(const std::vector<std::uint64_t>& above, std::uint64_t runs);

/// Counts of one user's runs; of those of one request, where no user is named.
struct UserArm {
  std::uint64_t hash = 0;  // of the user's or the request's id
  std::uint32_t runs = 0;
  std::uint32_t failed = 0;
  std::uint32_t auth_errors = 0;
  std::uint32_t server_errors = 0;
  std::uint32_t timed = 0;
  std::uint32_t slow = 0;
  std::uint32_t over_threshold = 0;
  std::uint32_t attempts = 0;
  std::uint32_t failed_attempts = 0;
  std::uint32_t aided = 0;
  bool operator==(const UserArm&) const = default;
};

/// Counts of some runs.
struct ArmFigures {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  std::uint64_t auth_errors = 0;
  std::uint64_t server_errors = 0;
  std::uint64_t timed = 0;           // runs with a latency
  std::uint64_t slow = 0;            // of them, above SlowLimits::usual, or ::tolerated
  std::uint64_t over_threshold = 0;  // of them, above SlowLimits::absolute
  std::vector<std::uint64_t> above;  // of them, above each of latency_edges(SlowLimits::usual)
  std::uint64_t attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::uint64_t aided = 0;     // runs that did not succeed without a fallback
  std::uint64_t overdue = 0;   // of runs and failed: those that became overdue
  std::vector<UserArm> users;  // by hash, ascending: a sample of them, and the heaviest
  bool operator==(const ArmFigures&) const = default;
};

/// Which side of a comparison runs are on: those that are judged, or those they are held against.
enum class ArmRole { subject, reference };

/// Counts the runs of `partial`, and `became_overdue` runs more, which failed.
///
/// Shape: a subject's run is slow above SlowLimits::tolerated. Where its latencies are the
///        reference's times that ratio, or less, no greater share of them is slow.
/// Shape: a latency in the same histogram bucket as a limit is not above it, whether the partial
///        still has its durations or not: two sides are counted alike.
ArmFigures count_arm(const KpiPartial& partial, const SlowLimits& limits,
                     std::uint64_t became_overdue = 0, ArmRole role = ArmRole::reference);

/// Counts the runs of one stratum, without users.
ArmFigures count_arm(const StratumPartial& partial, const SlowLimits& limits,
                     std::uint64_t became_overdue = 0, ArmRole role = ArmRole::reference);

/// Runs that began before both sides were warm: after a step the first ones stand for nothing else.
struct ColdRuns {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  bool operator==(const ColdRuns&) const = default;
};

/// What is new of one stratum: of the sides that are held against each other.
struct StratumNews {
  std::uint8_t stratum = 0;  // its place in News::strata, or that list's size: the rest
  ArmFigures canary;
  ArmFigures control;
  ArmFigures all;
  ArmFigures before;
  bool operator==(const StratumNews&) const = default;
};

/// What is new in one step of time: runs that began when both sides were warm, and the others. Of
/// canary and control, or of all and before: of what is held against each other.
struct NewsStep {
  Window window;
  ArmFigures canary;
  ArmFigures control;
  ArmFigures all;     // DAG runs
  ArmFigures before;  // as News::before
  ColdRuns cold_canary;
  ColdRuns cold_control;
  std::vector<StratumNews> by_stratum = {};  // warm runs, ascending; empty: not told apart
  bool operator==(const NewsStep&) const = default;
};

/// A report has no more steps than that: its blocks.
inline constexpr std::size_t kMostBlocks = 200;

/// What is new since it was last counted, side by side.
struct News {
  Window window;
  SlowLimits limits;
  ArmFigures canary;
  ArmFigures control;
  ArmFigures all;     // DAG runs
  ArmFigures before;  // DAG runs of as long a time before the policy in force, at the same hours
  std::vector<NewsStep> steps;            // the same by time, ascending; empty: not counted apart
  std::optional<StrataList> strata = {};  // that are told apart; none: nobody knows yet
  std::vector<StratumNews> by_stratum = {};  // as NewsStep has them
  // Of the reference, before anything was counted, the rest last; empty: it was counted before.
  std::vector<ArmFigures> usual = {};
  bool operator==(const News&) const = default;
};

}  // namespace dagloop
