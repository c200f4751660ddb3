#include "decide/run_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dagloop/base/assert.hpp"
#include "decide/figures.hpp"

namespace dagloop {
namespace {

constexpr int kSimulatedRuns = 1500;
constexpr std::size_t kMostNodes = 40;  // those that fail most; memory and time grow with them
constexpr double kLeastScale = 0.2;     // of a difference: nodes that run side by side
constexpr double kMostScale = 2;
constexpr double kScaleDoubt =
    0.05;  // of its logarithm: runs are not quite what the model makes them

double share(double part, double whole) {
  return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0;
}

double cut_share(const NodeDraw& node, const RunPolicy& policy) {
  return policy.node_timeout_ms ? node.duration.above(*policy.node_timeout_ms) : 0;
}

// Failed runs that no attempt mends: their class says so.
double hopeless_runs(const PopulationKpis& dag) {
  double runs = 0;
  for (const char* error_class : {"auth", "validation", "verification", "compensation"}) {
    const auto found = dag.error_classes.find(error_class);
    if (found != dag.error_classes.end()) runs += as_double(found->second);
  }
  return runs;
}

/// The chances of one run: the same for the same place, whatever happened before.
class Chances {
 public:
  Chances(std::uint64_t seed, int run) : seed_(mixed(seed + static_cast<std::uint64_t>(run))) {}
  double at(std::size_t node, int attempt, int which) const {
    return unit_of(seed_ + node * 4096 + static_cast<std::uint64_t>(attempt * 8 + which));
  }

 private:
  std::uint64_t seed_;
};

enum class Pair { passed, lost };

struct NodeAtWork {
  const NodeDraw& node;
  DurationTable durations;
};

Pair run_node(const NodeAtWork& at_work, const RunPolicy& policy, const Chances& chances,
              std::size_t index, double& latency_ms) {
  const NodeDraw& node = at_work.node;
  const double limit = policy.node_timeout_ms.value_or(std::numeric_limits<double>::infinity());
  const bool lasts = chances.at(index, 0, 1) < node.lasting;
  const bool is_once = chances.at(index, 0, 4) < node.never;
  const int attempts = is_once ? 1 : policy.attempts;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    const double duration = at_work.durations.at(chances.at(index, attempt, 2));
    latency_ms += std::min(duration, limit);
    if (lasts || duration > limit) continue;
    const double succeeds = attempt == 1 ? 1 - node.error : node.mended;
    if (chances.at(index, attempt, 3) < succeeds) return Pair::passed;
  }
  return Pair::lost;
}

}  // namespace

double lost_share(const NodeDraw& node, const RunPolicy& policy) {
  DAGLOOP_ASSERT(policy.attempts >= 1);
  const double cut = cut_share(node, policy);
  const double first = cut + (1 - cut) * node.error;
  const double again = 1 - node.mended * (1 - cut);
  const double retried = node.never + (1 - node.never) * std::pow(again, policy.attempts - 1);
  return node.lasting + (1 - node.lasting) * first * retried;
}

int attempts_seen(const ServiceFigures& service) {
  int most = 1;
  for (const auto& [name, node] : service.nodes) {
    const RetryCounts counts = retry_counts(node, 1);
    if (counts.first_failed < 1) continue;
    const double each = std::ceil(as_double(node.retries) / counts.first_failed);
    most = std::max(most, 1 + static_cast<int>(std::min(each, 100.0)));
  }
  return most;
}

RunModel::RunModel(const PopulationKpis& dag, const ServiceFigures& service,
                   const RunPolicy& policy)
    : policy_(policy), durations_(service.durations, std::nullopt) {
  const double total = as_double(dag.total_runs);
  const double succeeded = as_double(dag.succeeded_runs);
  succeeded_ = succeeded;
  success_ = share(succeeded, total);
  most_gain_ = share(total - succeeded - hopeless_runs(dag), total);
  std::vector<RetryCounts> retries;
  double lost = 0;
  for (const auto& [name, figures] : service.nodes) {
    const double passed = as_double(figures.attempts) - as_double(figures.failed_attempts);
    RetryCounts counts = retry_counts(figures, policy.attempts);
    lost += counts.lost + counts.never_retried;
    attempts_ += figures.attempts;
    retries_ += figures.retries;
    nodes_.push_back({std::max(as_double(figures.pairs), counts.first_failed), passed, counts,
                      DurationModel(figures.durations, policy.node_timeout_ms)});
  }
  // Nodes that never fail neither lose nor gain by a policy.
  if (nodes_.size() > kMostNodes) {
    std::stable_sort(nodes_.begin(), nodes_.end(), [](const Node& a, const Node& b) {
      return a.retries.first_failed > b.retries.first_failed;
    });
    nodes_.erase(nodes_.begin() + kMostNodes, nodes_.end());
  }
  // A node that fewer runs have comes later: others failed before it.
  std::stable_sort(nodes_.begin(), nodes_.end(),
                   [](const Node& a, const Node& b) { return a.pairs > b.pairs; });
  for (const Node& node : nodes_) retries.push_back(node.retries);
  const double others = std::max(0.0, total - succeeded - lost);
  others_succeed_ = succeeded > 0 ? succeeded / (succeeded + others) : 1;
  fatal_ = lost > 0 ? std::min(1.0, (total - succeeded) / lost) : 1;
  if (!retries.empty()) posterior_.emplace(retries, policy.attempts);
}

double RunModel::cut_off() const {
  double sum = 0;
  for (const Node& node : nodes_) sum += node.durations.cut_off();
  return sum;
}

NodeDraw RunModel::draw_node(const Node& node, const RetryDraw& retries, Draws& draws) const {
  NodeDraw draw;
  draw.duration = node.durations.draw(draws);
  // What never failed is taken not to: half a failure for each of many nodes would be many.
  const double failed =
      node.retries.first_failed > 0 ? draws.share(node.retries.first_failed, node.pairs) : 0;
  const double never = share(node.retries.never_retried, node.retries.first_failed);
  const double in_time = 1 - cut_share(draw, policy_);
  // What the timeout cut off does not last for that: a longer one may mend it.
  const double most_lasting = in_time > 0 ? share(failed - (1 - in_time), in_time) : 0;
  const double lasting = (1 - never) * retries.lasting;
  draw.lasting = std::min(failed * lasting, most_lasting);
  draw.never = share(never, 1 - lasting);
  const double others = share(failed - draw.lasting, 1 - draw.lasting);
  draw.error = in_time > 0 ? share(others - (1 - in_time), in_time) : 0;
  draw.mended = share(retries.mended, in_time);
  return draw;
}

// Nodes that all runs have stand by how many got there; where one stands that some runs have alone,
// nothing tells.
std::vector<std::size_t> RunModel::draw_order(Draws& draws) const {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].passed >= succeeded_) order.push_back(i);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].passed >= succeeded_) continue;
    const auto place =
        static_cast<std::ptrdiff_t>(draws.uniform() * static_cast<double>(order.size() + 1));
    order.insert(order.begin() + place, i);
  }
  return order;
}

std::vector<NodeDraw> RunModel::draw(Draws& draws) const {
  std::vector<NodeDraw> truth;
  if (!posterior_) return truth;
  const std::vector<RetryDraw> retries = posterior_->draw(draws);
  for (const std::size_t i : draw_order(draws)) {
    truth.push_back(draw_node(nodes_[i], retries[i], draws));
    truth.back().reach =
        nodes_[i].passed < succeeded_ ? draws.share(nodes_[i].passed, succeeded_) : 1;
  }
  // Of the runs that passed a node some were lost behind it: fewer of all have it.
  double succeeds_behind = others_succeed_;
  for (std::size_t i = truth.size(); i-- > 0;) {
    NodeDraw& node = truth[i];
    if (node.reach < 1) node.reach *= succeeds_behind;
    succeeds_behind *= 1 - node.reach * lost_share(node, policy_);
  }
  return truth;
}

double RunModel::gain(const std::vector<NodeDraw>& truth, const RunPolicy& changed) const {
  double ratio = 1;
  for (const NodeDraw& node : truth) {
    const double now = 1 - lost_share(node, policy_);
    if (now <= 0) continue;
    ratio *= 1 + node.reach * ((1 - lost_share(node, changed)) / now - 1);
  }
  // Never more than the failed runs whose class an attempt can mend at all.
  return std::min(success_ * (ratio - 1) * fatal_, most_gain_);
}

double RunModel::simulated_p95(const std::vector<NodeDraw>& nodes, const RunPolicy& policy,
                               std::uint64_t seed) const {
  std::vector<NodeAtWork> at_work;
  at_work.reserve(nodes.size());
  for (const NodeDraw& node : nodes) at_work.push_back({node, DurationTable(node.duration)});
  std::vector<double> latencies;
  for (int run = 0; run < kSimulatedRuns; ++run) {
    const Chances chances(seed, run);
    double latency = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (chances.at(i, 0, 0) >= nodes[i].reach) continue;
      if (run_node(at_work[i], policy, chances, i, latency) == Pair::lost) break;
    }
    latencies.push_back(latency);
  }
  const auto rank = static_cast<std::ptrdiff_t>(0.95 * kSimulatedRuns) - 1;
  std::nth_element(latencies.begin(), latencies.begin() + rank, latencies.end());
  return latencies[static_cast<std::size_t>(rank)];
}

double RunModel::p95_change(const std::vector<NodeDraw>& truth, const RunPolicy& changed,
                            std::uint64_t seed) const {
  // With the same seed on both sides: the same runs with and without the change, so that their
  // difference is not the noise of two simulations.
  const double now = simulated_p95(truth, policy_, seed);
  if (now <= 0) return 0;
  Draws draws(seed);
  const double seen = durations_.draw(draws).quantile(0.95);
  // The model's latency is scaled to the one seen: the model has nodes one after another, and real
  // runs have some side by side.
  const double doubt = std::exp(kScaleDoubt * draws.normal());
  const double scale = std::clamp(seen / now, kLeastScale, kMostScale);
  return doubt * scale * (simulated_p95(truth, changed, seed) - now);
}

}  // namespace dagloop
