// Evidence that may be read as often as one likes: an e-process of the rates of two arms.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace dagloop {

/// Runs (or attempts) of one side, and on how many of them what is counted happened.
struct ArmCounts {
  std::uint64_t trials = 0;
  std::uint64_t events = 0;  // at most `trials`
  ArmCounts& operator+=(const ArmCounts& other);
  bool operator==(const ArmCounts&) const = default;
};

/// Returns the share of events; `counts` has trials.
double rate_of(const ArmCounts& counts);

/// Returns what `usual` lets expect of the next trials: what was usual may move, so it counts for a
/// hundred trials at most.
ArmCounts expectation_of(const ArmCounts& usual);

/// Returns the e-value of a logarithm, at most 1e300.
double e_value_of(double log_e);

/// What was counted of both sides over the same time.
struct Block {
  ArmCounts subject;
  ArmCounts reference;
  Block& operator+=(const Block& other);
  bool operator==(const Block&) const = default;
};

/// What an e-process speaks against.
struct RateHypothesis {
  /// `worse_by_at_most`: the subject's rate of events is at most the reference's plus the margin;
  /// `worse_by_at_least`: it is that, or more.
  enum class Kind { worse_by_at_most, worse_by_at_least };
  Kind kind = Kind::worse_by_at_most;
  double margin = 0;  // of rates: 0.1 is ten percentage points
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
};

/// An e-process against one hypothesis.
///
/// Under the hypothesis the probability that exp(log_e) ever reaches 1/alpha is at most alpha,
/// whenever it is read. The rates may move over time, as long as the hypothesis holds in each
/// block. A block waits until both sides have a trial, and twenty together.
///
/// Source: Turner, Ly and Grünwald 2024, "Generic e-variables for exact sequential k-sample tests
///         that allow for optional stopping" (block e-variables, here with the null's projection
///         onto a difference of rates); Ville's inequality.
struct RateEvidence {
  Block open;                      // counted, and not yet one whole block
  Block total;                     // all that was counted
  ArmCounts expectation;           // of the reference: what the next block's bets rest on
  std::vector<double> log_wealth;  // by alternative, without its share
  double greatest_log_e = 0;       // so far
  bool operator==(const RateEvidence&) const = default;

  /// Adds what was counted since the last call. What other bets won (another version's) is lost.
  ///
  /// Shape: when a block ends must not depend on what its trials gave. Trials come in clusters (the
  ///        attempts of a run) of `cluster` (>= 1) each, dependent on one another in any way.
  void add(const Block& counts, const RateHypothesis& hypothesis, double cluster = 1);
  /// Returns what `greatest_log_e` would be at most, had `more` been counted along with the rest:
  /// by what it takes from all that was counted, as if that were one block.
  double greatest_log_e_with(const Block& more, const RateHypothesis& hypothesis) const;
  /// Returns the present logarithm of the e-value; 0 without a block, or with one of other bets.
  double log_e(const RateHypothesis& hypothesis) const;
};

/// Returns by how much log_e is expected to grow with one more trial of the subject.
///
/// Shape: both sides have the given rates, and `reference_per_subject` (> 0) trials of the
///        reference come with each of the subject; 0: at these rates it never decides.
double expected_growth(const RateHypothesis& hypothesis, double subject_rate, double reference_rate,
                       double reference_per_subject);

}  // namespace dagloop
