// Evidence that may be read as often as one likes: an e-process of the rates of two arms.
// Pure.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/evidence/arm_counts.hpp"
#include "dagloop/evidence/rate_hypothesis.hpp"
#include "dagloop/evidence/stretch.hpp"

namespace dagloop {

/// Returns what `usual` lets expect of the next trials: what was usual may move, so it counts for a
/// hundred trials at most.
ArmCounts expectation_of(const ArmCounts& usual);

/// Returns the e-value of a logarithm, at most 1e300.
double e_value_of(double log_e);

/// What was counted of one stratum, and what the next block of it is expected to be.
struct StratumEvidence {
  std::uint8_t stratum = 0;
  Block total;
  ArmCounts expectation;  // of the reference
  bool operator==(const StratumEvidence&) const = default;
};

/// An e-process against one hypothesis, for each discount of the grid.
///
/// Under the hypothesis the probability that exp(log_e) ever reaches 1/alpha is at most alpha,
/// whenever it is read. The rates may move over time, as long as the hypothesis holds in each
/// block. A block waits until both sides have a trial, and twenty together. Where strata are told
/// apart, each has a block and an expectation of its own, and what a bet gains is their product: a
/// stratum waits for a trial of both sides, and those that have them for twenty together, for small
/// ones must not wait for twenty each. Bets begin again at each start, so that what was well for
/// weeks does not hide what broke this morning. Where trials hang together in clusters, of each
/// block's e-value the root of a discount is taken: exact from the largest cluster on (Hölder),
/// approximate at the design effect.
///
/// Source: Turner, Ly and Grünwald 2024, "Generic e-variables for exact sequential k-sample tests
///         that allow for optional stopping" (block e-variables, here with the null's projection
///         onto a difference or a ratio of rates: it is convex); Shin, Ramdas and Rinaldo 2022,
///         "E-detectors" (starts, here with weights that sum to 1); Ville's inequality.
struct RateEvidence {
  StepCounts open;                          // counted, and not yet one whole block
  Block total;                              // all that was counted
  ArmCounts expectation;                    // of the reference: the next block's bets rest on it
  std::vector<StratumEvidence> by_stratum;  // where strata are told apart, ascending
  Starts starts;                            // of bets, so far
  std::vector<std::vector<double>> log_wealth;  // by alternative, without its share; by discount
  std::vector<double> greatest_log_e;           // so far, by discount; empty: 0
  std::vector<Stretch> stretches;               // by alternative
  bool operator==(const RateEvidence&) const = default;

  /// Adds what was counted since the last call; returns whether that made up blocks to bet on. What
  /// other bets won (another version's) is lost.
  ///
  /// Shape: where a step ends must not depend on what its trials gave; steps come in order.
  bool add(const StepCounts& step, const RateHypothesis& hypothesis);
  /// Returns what `greatest_log_e` would be at most, had `more` been counted along with the rest:
  /// by what it takes from all that was counted, as if that were one block (of each stratum one,
  /// and `more` of the one where it takes most).
  std::vector<double> greatest_log_e_with(const Block& more,
                                          const RateHypothesis& hypothesis) const;
  /// Returns the greatest logarithm so far, read at this design effect; 0 beyond the grid.
  double greatest_log_e_at(double design_effect) const;
  /// Returns the present logarithm of the e-value, read at this design effect; 0 without a block,
  /// with one of other bets, and beyond the grid.
  double log_e(const RateHypothesis& hypothesis, double design_effect = 1) const;
  /// Returns what log_e cannot be above, by discount: quick to tell, and 0 at least.
  std::array<double, kDiscounts> log_e_bounds() const;
  /// Returns the stretch of the bet that has gained most since it last had gained nothing; nullopt
  /// where none has. What is no whole block yet counts, too: a few dead runs must not wait for it.
  std::optional<Stretch> best_stretch(const RateHypothesis& hypothesis) const;
  /// Returns the logarithm of the e-value of what was counted, had it come next, as one block (of
  /// each stratum one).
  double log_e_of_block(const StepCounts& counted, const RateHypothesis& hypothesis,
                        double design_effect) const;
  /// Returns all that was counted, by stratum; without users.
  StepCounts all_counts() const;
  /// Returns how many more trials of the subject it takes at these rates until log_e, read at
  /// `design_effect`, is `log_e_needed`; nullopt: it never will be.
  std::optional<double> trials_until(double log_e_needed, double design_effect,
                                     const RateHypothesis& hypothesis, ExpectedRates rates) const;
};

}  // namespace dagloop
