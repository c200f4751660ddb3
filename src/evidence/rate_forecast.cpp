// How many more trials it takes, at given rates.
#include <algorithm>
#include <cmath>

#include "dagloop/evidence/rate_evidence.hpp"
#include "evidence/border.hpp"

namespace dagloop {
namespace {

// What bets rest on, over strata as the subject's trials are spread over them.
ArmCounts expectation_of_subject(const RateEvidence& evidence) {
  double trials = 0;
  double events = 0;
  for (const StratumEvidence& each : evidence.by_stratum) {
    if (each.total.reference.trials == 0) continue;
    const auto weight = static_cast<double>(each.total.subject.trials);
    trials += weight;
    events += weight * expected_rate(each.expectation);
  }
  const std::uint64_t all = evidence.expectation.trials;
  if (trials == 0 || all == 0) return evidence.expectation;
  return {all, static_cast<std::uint64_t>(std::lround(static_cast<double>(all) * events / trials))};
}

}  // namespace

std::optional<double> RateEvidence::trials_until(double log_e_needed, double design_effect,
                                                 const RateHypothesis& hypothesis,
                                                 ExpectedRates rates) const {
  if (design_effect > discount(kDiscounts - 1)) return std::nullopt;
  // Before the first block the first bets are staked already, and the rest is not.
  const bool has_bets = log_wealth.size() == hypothesis.alternatives.size();
  const double unspent = has_bets ? starts.unspent : 1 - hypothesis.starts.first;
  std::vector<std::vector<double>> wealth;
  for (std::size_t i = 0; i < hypothesis.alternatives.size(); ++i) {
    const double now =
        has_bets
            ? log_at_effect(design_effect, [&](std::size_t at) { return log_wealth[i].at(at); })
            : std::log(hypothesis.starts.first);
    wealth.push_back({now});
  }
  const auto until = [&](const ArmCounts& expectation_then) -> std::optional<double> {
    rates.expected = expected_rate(expectation_then);
    const std::vector<double> growths = expected_growths(hypothesis, rates);
    const auto is_short = [&](double trials) {
      auto then = wealth;
      for (std::size_t i = 0; i < then.size(); ++i) {
        then[i][0] += trials * growths[i] / design_effect;
      }
      return log_sum(then, hypothesis, 0, unspent) < log_e_needed;
    };
    constexpr double kForever = 1e9;
    if (is_short(kForever)) return std::nullopt;
    return border(0.0, kForever, is_short);
  };
  const ArmCounts usual = by_stratum.size() < 2 ? expectation : expectation_of_subject(*this);
  const std::optional<double> now = until(usual);
  if (!now) return now;
  // On the way there the reference says what its rate is: of half of the way that is believed.
  const double more = std::min(1e6, *now / 2 * rates.reference_per_subject);
  const ArmCounts seen{static_cast<std::uint64_t>(more),
                       static_cast<std::uint64_t>(std::lround(more * rates.reference))};
  ArmCounts then = usual;
  then += seen;
  return until(then);
}

}  // namespace dagloop
