// A service as its nodes' figures show it: runs pass their nodes one after the other, each attempt
// of which ends, fails or is cut off; a run fails with the first node that is lost. What changes
// under another policy is computed from the same draws. Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/kpi/quality.hpp"
#include "decide/retry_posterior.hpp"
#include "decide/survival.hpp"

namespace dagloop {

/// What of a policy the model knows.
struct RunPolicy {
  int attempts = 1;
  std::optional<double> node_timeout_ms;  // nullopt: attempts are never cut off
};

/// One possible truth about a node.
struct NodeDraw {
  double reach = 1;    // share of runs that have it
  double lasting = 0;  // share of pairs that no attempt mends
  double never = 0;    // share of other first failures that are not retried
  double error = 0;    // share of other first attempts that fail though they end in time
  double mended = 1;   // share of other retries that succeed if they end in time
  DurationDraw duration;
};

/// Returns the share of a node's pairs that are lost under `policy`.
double lost_share(const NodeDraw& node, const RunPolicy& policy);

/// The posterior of a service under the policy in force.
class RunModel {
 public:
  RunModel(const PopulationKpis& dag, const ServiceFigures& service, const RunPolicy& policy);

  /// Returns how many attempts the figures rest on.
  std::uint64_t attempts() const { return attempts_; }
  /// Returns the attempts that the timeout cut off.
  double cut_off() const;

  std::vector<NodeDraw> draw(Draws& draws) const;
  /// Returns by how much the share of succeeding runs would change. Units: a fraction.
  double gain(const std::vector<NodeDraw>& truth, const RunPolicy& changed) const;
  /// Returns by how much the p95 of the runs' latency would change: both policies are run with the
  /// same chances, and their difference is scaled to the p95 that is seen. Units: milliseconds.
  double p95_change(const std::vector<NodeDraw>& truth, const RunPolicy& changed,
                    std::uint64_t seed) const;

 private:
  struct Node {
    double pairs;
    double passed;
    RetryCounts retries;
    DurationModel durations;
  };
  NodeDraw draw_node(const Node& node, const RetryDraw& retries, Draws& draws) const;
  std::vector<std::size_t> draw_order(Draws& draws) const;
  double simulated_p95(const std::vector<NodeDraw>& nodes, const RunPolicy& policy,
                       std::uint64_t seed) const;

  RunPolicy policy_;
  std::vector<Node> nodes_;
  std::optional<RetryPosterior> posterior_;
  double succeeded_ = 0;       // runs
  double success_ = 0;         // share of them
  double others_succeed_ = 1;  // share of the runs that no node lost
  double most_gain_ = 0;       // share of runs that failed by what another attempt may mend
  double fatal_ = 1;           // share of lost pairs that fail their run
  DurationModel durations_;    // of runs
  std::uint64_t attempts_ = 0;
  std::uint64_t retries_ = 0;
};

/// Returns the most attempts that the figures show: the fewest that explain the retries.
int attempts_seen(const ServiceFigures& service);

}  // namespace dagloop
