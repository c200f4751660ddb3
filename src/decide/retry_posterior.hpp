// What retries of each node are worth: some failures last, however often they are tried again; of
// the others each retry mends a share. Both are known by node only as far as the node's counts go;
// the rest is borrowed from the other nodes. Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <vector>

#include "dagloop/kpi/service_figures.hpp"
#include "decide/draws.hpp"

namespace dagloop {

/// One node's pairs (of run and node) whose first attempt failed.
struct RetryCounts {
  double first_failed = 0;
  double never_retried = 0;  // of them; no further attempt would be made either
  double mended = 0;         // succeeded on a retry
  double steps = 0;          // retries that those took, the last one included
  double lost = 0;           // failed on the last attempt, too
};

/// Takes the counts of a node whose pairs have `attempts` attempts at most.
///
/// Shape: figures that contradict one another are moved to the nearest that do not.
RetryCounts retry_counts(const NodeFigures& node, int attempts);

/// Truth about a node's first failures, possibly.
struct RetryDraw {
  double lasting = 0;  // share that no retry mends
  double mended = 1;   // share of the others that each retry mends
};

/// Empirical Bayes: Beta distributions of both shares over the nodes, weighed by how well they
/// explain all nodes, and each node's own counts.
///
/// Source: Efron and Morris 1973; the lasting share is the cure fraction of Boag 1949.
class RetryPosterior {
 public:
  /// Shape: attempts >= 1; with 1 nothing was retried and the prior alone speaks.
  RetryPosterior(const std::vector<RetryCounts>& nodes, int attempts);
  /// Draws all nodes at once.
  std::vector<RetryDraw> draw(Draws& draws) const;

 private:
  struct Prior {
    double lasting_a, lasting_b, mended_a, mended_b;
  };
  struct NodeGrid {
    RetryDraw low;
    RetryDraw width;                              // of a cell
    std::vector<std::vector<double>> cumulative;  // by prior
  };
  std::vector<double> evidence(const std::vector<Prior>& priors,
                               const std::vector<RetryCounts>& nodes) const;
  NodeGrid fine_grid(const RetryCounts& node, const std::vector<Prior>& priors) const;

  int attempts_;
  std::vector<double> prior_weight_;  // cumulative
  std::vector<NodeGrid> nodes_;
};

}  // namespace dagloop
