#include "dagloop/evidence/latency_evidence.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/evidence/rate_sequence.hpp"

namespace dagloop {
namespace {

// Tests at every fourth edge, half an octave apart: nearer ones would say nearly the same.
constexpr std::size_t kEdgesPerTest = 4;
// Fewer runs of the reference say too little of what is usual at an edge.
constexpr std::uint64_t kFewestUsual = 20;

// Twice the odds moves a median by 0.43 of the spread (lognormal, sigma 0.5: by 24 %).
const RateHypothesis& nowhere_slower() {
  static const RateHypothesis hypothesis{
      .kind = RateHypothesis::Kind::worse_by_at_most,
      .alternatives = {{1.5, 0.3}, {2.0, 0.3}, {3.5, 0.2}, {8.0, 0.2}},
      .stretches = RateHypothesis::Stretches::unwatched};
  return hypothesis;
}

ArmCounts counts_at(const LatencyCounts& counts, std::size_t edge) {
  return {counts.runs, counts.above.empty() ? 0 : counts.above[edge]};
}

double log_mean(const std::vector<RateEvidence>& tests, double design_effect) {
  std::vector<double> logs;
  logs.reserve(tests.size());
  for (const RateEvidence& test : tests) {
    logs.push_back(test.log_e(nowhere_slower(), design_effect));
  }
  const double greatest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double each : logs) sum += std::exp(each - greatest);
  return greatest + std::log(sum / static_cast<double>(logs.size()));
}

LatencySide side_of(const LatencyCounts& counts, const std::vector<double>& edges_ms,
                    double alpha) {
  return {counts.runs, quantile_sequence_interval(counts, edges_ms, 0.5, alpha),
          quantile_sequence_interval(counts, edges_ms, 0.95, alpha)};
}

}  // namespace

LatencyCounts& LatencyCounts::operator+=(const LatencyCounts& other) {
  if (other.runs == 0) return *this;
  runs += other.runs;
  above.resize(kLatencyEdges);
  for (std::size_t i = 0; i < kLatencyEdges; ++i) above[i] += other.above[i];
  return *this;
}

void LatencyEvidence::add(const LatencyCounts& subject_news, const LatencyCounts& reference_news,
                          TimePoint start, const std::vector<StratumLatency>& by_stratum) {
  for (const LatencyCounts* news : {&subject_news, &reference_news}) {
    if (news->above.size() != kLatencyEdges) return;
  }
  subject += subject_news;
  reference += reference_news;
  slower.resize((kLatencyEdges + kEdgesPerTest - 1) / kEdgesPerTest);
  bool has_bet = false;
  for (std::size_t i = 0; i < slower.size(); ++i) {
    const std::size_t edge = i * kEdgesPerTest;
    const Block block{counts_at(subject_news, edge), counts_at(reference_news, edge)};
    // The first news only set what is expected: a bet must be fixed before its runs are seen.
    if (slower[i].expectation.trials >= kFewestUsual) {
      StepCounts step{.counts = block, .start = start};
      for (const StratumLatency& each : by_stratum) {
        const Block of{counts_at(each.subject, edge), counts_at(each.reference, edge)};
        if (of != Block()) step.strata.push_back({each.stratum, of, {}, {}});
      }
      has_bet = slower[i].add(step, nowhere_slower()) || has_bet;
    } else {
      slower[i].expectation += expectation_of(block.reference);
    }
  }
  greatest_log_e.resize(kDiscounts);
  if (!has_bet) return;
  std::array<double, kDiscounts> bounds{};
  for (const RateEvidence& test : slower) {
    const auto of_test = test.log_e_bounds();
    for (std::size_t i = 0; i < kDiscounts; ++i) bounds[i] = std::max(bounds[i], of_test[i]);
  }
  for (std::size_t i = 0; i < kDiscounts; ++i) {
    if (bounds[i] <= greatest_log_e[i]) continue;
    greatest_log_e[i] = std::max(greatest_log_e[i], log_mean(slower, discount(i)));
  }
}

QuantileInterval quantile_sequence_interval(const LatencyCounts& counts,
                                            const std::vector<double>& edges_ms, double p,
                                            double alpha) {
  DAGLOOP_ASSERT(counts.runs >= 1 && p > 0 && p < 1);
  DAGLOOP_ASSERT(counts.above.size() == edges_ms.size());
  QuantileInterval interval;
  // Each end errs at one edge alone, for the shares fall: half of alpha for each.
  for (std::size_t i = 0; i < edges_ms.size(); ++i) {
    const ArmCounts beyond = counts_at(counts, i);
    if (is_in_rate_sequence(beyond, 1 - p, alpha / 2)) continue;
    if (rate_of(beyond) > 1 - p) {
      interval.low_ms = edges_ms[i];
    } else if (!interval.high_ms) {
      interval.high_ms = edges_ms[i];
    }
  }
  return interval;
}

std::optional<LatencyView> view_latency(const LatencyEvidence& evidence, double usual_ms,
                                        double alpha, double design_effect) {
  if (evidence.subject.runs == 0 || evidence.reference.runs == 0) return std::nullopt;
  const std::vector<double> edges = latency_edges(usual_ms);
  LatencyView view;
  view.alpha = alpha;
  view.needed = 1 / alpha;
  const auto& greatest = evidence.greatest_log_e;
  if (!greatest.empty()) {
    view.e_value =
        e_value_of(log_at_effect(design_effect, [&](std::size_t at) { return greatest.at(at); }));
  }
  view.subject = side_of(evidence.subject, edges, alpha);
  view.reference = side_of(evidence.reference, edges, alpha);
  double most = -1;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const double subject_share = rate_of(counts_at(evidence.subject, i));
    const double reference_share = rate_of(counts_at(evidence.reference, i));
    if (subject_share - reference_share <= most) continue;
    most = subject_share - reference_share;
    view.at_ms = edges[i];
    view.subject_share = subject_share;
    view.reference_share = reference_share;
  }
  return view;
}

}  // namespace dagloop
