// What an e-process speaks against, and what its bets gain. Pure.
#pragma once

#include <cstddef>
#include <numbers>
#include <optional>
#include <vector>

#include "dagloop/evidence/arm_counts.hpp"
#include "dagloop/evidence/restarts.hpp"

namespace dagloop {

/// What an e-process speaks against.
struct RateHypothesis {
  /// `worse_by_at_most`: the subject's rate of events is at most the reference's, times the ratio
  /// and plus the margin; `worse_by_at_least`: it is that, or more.
  enum class Kind { worse_by_at_most, worse_by_at_least };
  Kind kind = Kind::worse_by_at_most;
  double margin = 0;  // of rates: 0.1 is ten percentage points
  double ratio = 1;   // of rates; with a margin of 0 alone, and at least 1
  /// What is expected where it does not hold: odds of the subject's rate over the reference's, each
  /// with its share of the bet. Shares are positive and sum to 1.
  struct Alternative {
    double odds_ratio = 1;
    double share = 1;
    std::optional<double> reference_rate = std::nullopt;  // none: what it was so far
  };
  std::vector<Alternative> alternatives;
  /// The reference's rate where it is no sample but a given number; the reference's counts do not
  /// count then.
  std::optional<double> given_rate = std::nullopt;
  StartPlan starts = {};
  /// `watched`: stretches are kept.
  enum class Stretches { watched, unwatched };
  Stretches stretches = Stretches::watched;
};

/// By how many times the subject's rates may be the reference's before that is evidence; a change
/// within it is none, however many runs there are.
struct RatioTolerance {
  double errors = std::numbers::sqrt2;
  double attempts = std::numbers::sqrt2;  // of failed attempts
  bool operator==(const RatioTolerance&) const = default;
};

/// Rates that both sides are taken to have from now on.
struct ExpectedRates {
  double subject = 0;
  double reference = 0;
  double reference_per_subject = 1;               // trials, > 0
  std::optional<double> expected = std::nullopt;  // what bets rest on; none: `reference`
};

/// Returns by how much each bet's logarithm is expected to grow with one more trial of the subject;
/// 0 or less: at these rates it never decides.
std::vector<double> expected_growths(const RateHypothesis& hypothesis, const ExpectedRates& rates);

/// Trials and events of both sides; of a forecast, parts of them.
struct Sides {
  double subjects = 0;
  double subject_events = 0;
  double references = 0;
  double reference_events = 0;
};

/// Returns the rate that bets rest on behind these counts.
double expected_rate(const ArmCounts& before);

/// Returns by how much the bet on `alternative` gains with these trials and events.
double gain(const RateHypothesis& hypothesis, const RateHypothesis::Alternative& alternative,
            const Sides& sides, double expected);

/// Returns the logarithm of all bets at one discount, and of the stake that no start has taken yet.
double log_sum(const std::vector<std::vector<double>>& log_wealth, const RateHypothesis& hypothesis,
               std::size_t at, double unspent);

}  // namespace dagloop
