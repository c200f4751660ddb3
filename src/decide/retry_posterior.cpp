#include "decide/retry_posterior.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr std::array kMeans{0.05, 0.2, 0.4, 0.6, 0.8, 0.95};
constexpr std::array kSizes{2.0, 6.0, 30.0};  // of a Beta distribution: how alike nodes are
constexpr int kCoarse = 20;                   // cells a side
constexpr int kFine = 24;
constexpr std::size_t kPriorsKept = 48;
constexpr double kNegligible = 6e-6;  // of the greatest likelihood

double log_likelihood(const RetryCounts& node, int attempts, const RetryDraw& at) {
  if (attempts <= 1) return 0;
  const double missed = std::log1p(-at.mended);
  // A failure is lost because it lasts (no retry helps) or because every retry failed by chance.
  const double survives = at.lasting + (1 - at.lasting) * std::exp(missed * (attempts - 1));
  return node.mended * (std::log1p(-at.lasting) + std::log(at.mended)) +
         (node.steps - node.mended) * missed + node.lost * std::log(survives);
}

struct Side {
  double low = 0;
  double high = 1;
  double width(int cells) const { return (high - low) / cells; }
  double middle(int i, int cells) const { return low + (i + 0.5) * width(cells); }
};

using Densities = std::vector<double>;

Densities beta_densities(const Side& side, int cells, double a, double b) {
  const double scale = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  Densities densities;
  for (int i = 0; i < cells; ++i) {
    const double x = side.middle(i, cells);
    densities.push_back(std::exp((a - 1) * std::log(x) + (b - 1) * std::log1p(-x) + scale));
  }
  return densities;
}

// Row by row, each as a share of the greatest.
std::vector<double> likelihoods(const RetryCounts& node, int attempts, const Side& lasting,
                                const Side& mended, int cells) {
  std::vector<double> all;
  for (int i = 0; i < cells; ++i) {
    for (int j = 0; j < cells; ++j) {
      all.push_back(
          log_likelihood(node, attempts, {lasting.middle(i, cells), mended.middle(j, cells)}));
    }
  }
  const double greatest = *std::max_element(all.begin(), all.end());
  for (double& each : all) each = std::exp(each - greatest);
  return all;
}

// Where the likelihood is not negligible, by a coarse look that is repeated once within.
void narrow(const RetryCounts& node, int attempts, Side& lasting, Side& mended) {
  const std::vector<double> all = likelihoods(node, attempts, lasting, mended, kCoarse);
  int i_low = kCoarse, i_high = 0, j_low = kCoarse, j_high = 0;
  for (int i = 0; i < kCoarse; ++i) {
    for (int j = 0; j < kCoarse; ++j) {
      if (all[static_cast<std::size_t>(i) * kCoarse + static_cast<std::size_t>(j)] < kNegligible)
        continue;
      i_low = std::min(i_low, i), i_high = std::max(i_high, i);
      j_low = std::min(j_low, j), j_high = std::max(j_high, j);
    }
  }
  const auto cut = [](Side& side, int low, int high) {
    const Side whole = side;
    // One cell more on each side: the likelihood at a middle says little of a cell's far end.
    side.low = std::max(whole.low, whole.low + (low - 1) * whole.width(kCoarse));
    side.high = std::min(whole.high, whole.low + (high + 2) * whole.width(kCoarse));
  };
  cut(lasting, i_low, i_high);
  cut(mended, j_low, j_high);
}

}  // namespace

RetryCounts retry_counts(const NodeFigures& node, int attempts) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  RetryCounts counts;
  const double retries = number(node.retries);
  counts.mended = std::min(number(node.retries_succeeded), retries);
  const double failed_retries = retries - counts.mended;
  // The log counts by node, not by run. How many runs failed at first, and for good, follows from
  // the sums: each retry belongs to a run that failed before.
  counts.first_failed = std::max(number(node.failed_attempts) - failed_retries, counts.mended);
  double lost = counts.first_failed - counts.mended;
  if (attempts <= 1) {
    counts.lost = lost;
    return counts;
  }
  counts.steps = retries - lost * (attempts - 1);
  if (counts.steps < counts.mended) {  // fewer retries than the lost ones would have had
    counts.steps = counts.mended;
    const double retried = std::floor(failed_retries / (attempts - 1));
    counts.never_retried = std::max(0.0, lost - retried);
    lost -= counts.never_retried;
  }
  counts.steps = std::min(counts.steps, counts.mended * (attempts - 1));
  counts.lost = lost;
  return counts;
}

RetryPosterior::RetryPosterior(const std::vector<RetryCounts>& nodes, int attempts)
    : attempts_(attempts) {
  DAGLOOP_ASSERT(attempts >= 1);
  std::vector<Prior> priors;
  // 324 priors. How alike nodes are is learnt from all of them, so that a node with few failures
  // leans on the others (empirical Bayes).
  for (const double lasting : kMeans) {
    for (const double mended : kMeans) {
      for (const double lasting_size : kSizes) {
        for (const double mended_size : kSizes) {
          priors.push_back({lasting * lasting_size, (1 - lasting) * lasting_size,
                            mended * mended_size, (1 - mended) * mended_size});
        }
      }
    }
  }
  const std::vector<double> logs = evidence(priors, nodes);
  std::vector<std::size_t> order(priors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logs[a] > logs[b]; });
  order.resize(kPriorsKept);
  std::vector<Prior> kept;
  double sum = 0;
  for (const std::size_t i : order) {
    kept.push_back(priors[i]);
    prior_weight_.push_back(sum += std::exp(logs[i] - logs[order.front()]));
  }
  for (const RetryCounts& node : nodes) nodes_.push_back(fine_grid(node, kept));
}

std::vector<double> RetryPosterior::evidence(const std::vector<Prior>& priors,
                                             const std::vector<RetryCounts>& nodes) const {
  const Side whole;
  std::vector<Densities> lasting;
  std::vector<Densities> mended;
  for (const Prior& prior : priors) {
    lasting.push_back(beta_densities(whole, kCoarse, prior.lasting_a, prior.lasting_b));
    mended.push_back(beta_densities(whole, kCoarse, prior.mended_a, prior.mended_b));
  }
  std::vector<double> logs(priors.size());
  for (const RetryCounts& node : nodes) {
    const std::vector<double> likelihood = likelihoods(node, attempts_, whole, whole, kCoarse);
    for (std::size_t p = 0; p < priors.size(); ++p) {
      double sum = 0;
      for (std::size_t i = 0; i < kCoarse; ++i) {
        double row = 0;
        for (std::size_t j = 0; j < kCoarse; ++j) {
          row += likelihood[i * kCoarse + j] * mended[p][j];
        }
        sum += row * lasting[p][i];
      }
      logs[p] += std::log(std::max(sum, 1e-300));
    }
  }
  return logs;
}

RetryPosterior::NodeGrid RetryPosterior::fine_grid(const RetryCounts& node,
                                                   const std::vector<Prior>& priors) const {
  NodeGrid grid;
  Side lasting;
  Side mended;
  narrow(node, attempts_, lasting, mended);
  narrow(node, attempts_, lasting, mended);
  grid.low = {lasting.low, mended.low};
  grid.width = {lasting.width(kFine), mended.width(kFine)};
  const std::vector<double> likelihood = likelihoods(node, attempts_, lasting, mended, kFine);
  for (const Prior& prior : priors) {
    const Densities rows = beta_densities(lasting, kFine, prior.lasting_a, prior.lasting_b);
    const Densities columns = beta_densities(mended, kFine, prior.mended_a, prior.mended_b);
    std::vector<double> cumulative;
    double sum = 0;
    for (std::size_t k = 0; k < likelihood.size(); ++k) {
      cumulative.push_back(sum += likelihood[k] * rows[k / kFine] * columns[k % kFine]);
    }
    grid.cumulative.push_back(std::move(cumulative));
  }
  return grid;
}

std::vector<RetryDraw> RetryPosterior::draw(Draws& draws) const {
  const auto pick = [&](const std::vector<double>& cumulative) {
    const double at = draws.uniform() * cumulative.back();
    const auto found = std::lower_bound(cumulative.begin(), cumulative.end(), at);
    return static_cast<std::size_t>(found - cumulative.begin());
  };
  const std::size_t prior = pick(prior_weight_);
  std::vector<RetryDraw> all;
  for (const NodeGrid& node : nodes_) {
    const std::size_t cell = pick(node.cumulative[prior]);
    const std::size_t row_index = cell / kFine;
    const auto row = static_cast<double>(row_index);
    const auto column = static_cast<double>(cell % kFine);
    all.push_back({node.low.lasting + (row + draws.uniform()) * node.width.lasting,
                   node.low.mended + (column + draws.uniform()) * node.width.mended});
  }
  return all;
}

}  // namespace dagloop
