#include "dagloop/evidence/rate_hypothesis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr double kLeastRate = 1e-4;  // an expectation of 0 or 1 would bet everything

struct Rates {
  double subject = 0;
  double reference = 0;
};

double with_odds(double rate, double ratio) {
  const double odds = rate / (1 - rate) * ratio;
  return odds / (1 + odds);
}

// As below where the border is a ratio: there the divergence's slope along it is zero.
Rates projected_on_ratio(const Rates& alternative, double ratio, const Sides& sides) {
  const double a = ratio * (sides.subjects + sides.references);
  const double b = sides.subjects * (ratio + alternative.subject) +
                   sides.references * (1 + ratio * alternative.reference);
  const double c = sides.subjects * alternative.subject + sides.references * alternative.reference;
  // The smaller root, without the difference of two numbers that are nearly the same.
  const double rate = 2 * c / (b + std::sqrt(std::max(0.0, b * b - 4 * a * c)));
  return {ratio * rate, rate};
}

// Of the rates on the hypothesis' border, those closest (Kullback-Leibler) to `alternative`.
Rates projected(const Rates& alternative, const RateHypothesis& hypothesis, const Sides& sides) {
  const double margin = hypothesis.margin;
  const double subjects = sides.subjects;
  const double references = sides.references;
  if (hypothesis.ratio != 1) return projected_on_ratio(alternative, hypothesis.ratio, sides);
  if (margin == 0) {
    const double rate = (subjects * alternative.subject + references * alternative.reference) /
                        (subjects + references);
    return {rate, rate};
  }
  double low = std::max(0.0, margin);
  double high = std::min(1.0, 1.0 + margin);
  // 60 halvings: more than the bits of a double.
  for (int i = 0; i < 60; ++i) {
    const double a = (low + high) / 2;
    const double b = a - margin;
    const double slope = subjects * (a - alternative.subject) / (a * (1 - a)) +
                         references * (b - alternative.reference) / (b * (1 - b));
    (slope > 0 ? high : low) = a;
  }
  const double a = (low + high) / 2;
  return {a, a - margin};
}

double log_likelihood_ratio(double events, double trials, double alternative, double null) {
  const double others = trials - events;
  double sum = 0;
  if (events > 0) sum += events * std::log(alternative / null);
  if (others > 0) sum += others * std::log((1 - alternative) / (1 - null));
  return sum;
}

// Whether the alternative lies outside the hypothesis: only such a bet can win.
bool is_outside(const RateHypothesis& hypothesis, const Rates& rates) {
  const double difference = rates.subject - hypothesis.ratio * rates.reference;
  return hypothesis.kind == RateHypothesis::Kind::worse_by_at_most ? difference > hypothesis.margin
                                                                   : difference < hypothesis.margin;
}

}  // namespace

double expected_rate(const ArmCounts& before) {
  const double rate =
      (static_cast<double>(before.events) + 0.5) / (static_cast<double>(before.trials) + 1);
  return std::clamp(rate, kLeastRate, 1 - kLeastRate);
}

double log_sum(const std::vector<std::vector<double>>& log_wealth, const RateHypothesis& hypothesis,
               std::size_t at, double unspent) {
  double greatest = 0;
  for (const auto& each : log_wealth) greatest = std::max(greatest, each[at]);
  double sum = unspent * std::exp(-greatest);
  for (std::size_t i = 0; i < log_wealth.size(); ++i) {
    sum += hypothesis.alternatives[i].share * std::exp(log_wealth[i][at] - greatest);
  }
  // Of bets that lost everything a logarithm of 0 would be left: no number for a state.
  return greatest + std::log(std::max(sum, std::numeric_limits<double>::min()));
}

double gain(const RateHypothesis& hypothesis, const RateHypothesis::Alternative& alternative,
            const Sides& sides, double expected) {
  if (alternative.reference_rate) expected = *alternative.reference_rate;
  if (hypothesis.given_rate) expected = *hypothesis.given_rate;
  const Rates bet{with_odds(expected, alternative.odds_ratio), expected};
  if (!is_outside(hypothesis, bet)) return 0;
  if (hypothesis.given_rate) {
    return log_likelihood_ratio(sides.subject_events, sides.subjects, bet.subject,
                                expected + hypothesis.margin);
  }
  const Rates null = projected(bet, hypothesis, sides);
  return log_likelihood_ratio(sides.subject_events, sides.subjects, bet.subject, null.subject) +
         log_likelihood_ratio(sides.reference_events, sides.references, bet.reference,
                              null.reference);
}

std::vector<double> expected_growths(const RateHypothesis& hypothesis, const ExpectedRates& rates) {
  DAGLOOP_ASSERT(rates.reference_per_subject > 0);
  const double expected =
      std::clamp(rates.expected.value_or(rates.reference), kLeastRate, 1 - kLeastRate);
  const Sides sides{1, rates.subject, rates.reference_per_subject,
                    rates.reference_per_subject * rates.reference};
  std::vector<double> growths;
  for (const auto& alternative : hypothesis.alternatives) {
    growths.push_back(gain(hypothesis, alternative, sides, expected));
  }
  return growths;
}

}  // namespace dagloop
