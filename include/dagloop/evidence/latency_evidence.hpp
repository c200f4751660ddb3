// Evidence on whole latency distributions, collected over a rollout: may be read at every tick.
// Pure value types.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dagloop/evidence/rate_evidence.hpp"
#include "dagloop/kpi/arm_figures.hpp"

namespace dagloop {

/// Runs with a latency, and how many of them took longer than each of latency_edges().
struct LatencyCounts {
  std::uint64_t runs = 0;
  std::vector<std::uint64_t> above;  // falling; empty: not counted
  LatencyCounts& operator+=(const LatencyCounts& other);
  bool operator==(const LatencyCounts&) const = default;
};

/// Counts of one stratum.
struct StratumLatency {
  std::uint8_t stratum = 0;
  LatencyCounts subject;
  LatencyCounts reference;
};

/// An e-process against "the subject is nowhere slower": of whatever latency, no greater share of
/// its runs takes longer than of the reference's.
///
/// Shape:  the mean of the e-processes of every fourth edge; latencies may move over time. Where
///         nothing is known of the reference yet, the first runs say what is usual and bet nothing.
/// Source: mean of e-values, Vovk and Wang 2021; for the question Lindon, Sanden and Shirikian
///         2022, "Rapid regression detection in software deployments through sequential testing".
struct LatencyEvidence {
  LatencyCounts subject;
  LatencyCounts reference;
  std::vector<RateEvidence> slower;    // by edge; empty before the first runs
  std::vector<double> greatest_log_e;  // so far, by discount; empty: 0
  bool operator==(const LatencyEvidence&) const = default;

  /// Adds what was counted since the last call, and the same by stratum where those are told apart;
  /// nothing where a side was not counted by edges.
  void add(const LatencyCounts& subject_news, const LatencyCounts& reference_news,
           TimePoint start = {}, const std::vector<StratumLatency>& by_stratum = {});
};

/// Where a quantile lies, at all times at once. Units: milliseconds; none: beyond the edges.
struct QuantileInterval {
  std::optional<double> low_ms;
  std::optional<double> high_ms;
  bool operator==(const QuantileInterval&) const = default;
};

/// Returns an interval that holds the p-quantile at all times at once with probability 1 - alpha.
///
/// Shape:  runs >= 1; p in (0, 1), a fraction; edges as they were counted.
/// Source: Howard and Ramdas 2022, "Sequential estimation of quantiles with applications to A/B
///         testing and best-arm identification", section 2 (a quantile by the share of runs beyond
///         it), here with the Beta mixture of Robbins 1970. It assumes latencies that do not move.
QuantileInterval quantile_sequence_interval(const LatencyCounts& counts,
                                            const std::vector<double>& edges_ms, double p,
                                            double alpha);

/// How the latencies of one side stand.
struct LatencySide {
  std::uint64_t runs = 0;
  QuantileInterval p50;
  QuantileInterval p95;
};

/// How latencies stand, side by side.
struct LatencyView {
  double e_value = 1;  // the greatest so far; at most 1e300
  double needed = 1;   // from here on the subject is slower
  double alpha = 1;    // of the e-value, and of each interval
  LatencySide subject;
  LatencySide reference;
  double at_ms = 0;  // where the shares of slower runs differ most
  double subject_share = 0;
  double reference_share = 0;
  bool decides() const { return e_value >= needed; }
};

/// Returns how the evidence stands; none where a side has no runs.
///
/// Shape: `usual_ms` (> 0) is what the edges were counted by.
std::optional<LatencyView> view_latency(const LatencyEvidence& evidence, double usual_ms,
                                        double alpha, double design_effect = 1);

}  // namespace dagloop
