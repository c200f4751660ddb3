// Rates of two sides among trials that are alike, stratum by stratum. Pure.
#pragma once

#include <cstdint>

#include "dagloop/kpi/interval.hpp"

namespace dagloop {

/// The sums over strata that rates of two sides, their difference and its interval are made of.
///
/// Source: Mantel and Haenszel 1959; the variance of Sato 1989, the interval of Klingenberg 2014.
class MantelHaenszel {
 public:
  /// Trials of one side of a stratum, and events on them.
  struct Side {
    std::uint64_t trials = 0;
    std::uint64_t events = 0;
  };

  /// Adds a stratum; one that a side lacks adds nothing.
  void add(const Side& subject, const Side& reference);

  /// Returns how many strata have both sides. Order: before rates and estimate, which need one.
  std::uint64_t strata() const { return strata_; }
  /// Returns the rates of events, each stratum with the same weight on both sides. Their difference
  /// is that of Mantel and Haenszel, their ratio the one. Of one stratum they are the plain rates.
  double subject_rate() const { return subject_ / weight_; }
  double reference_rate() const { return reference_ / weight_; }
  /// Returns subject_rate() - reference_rate(). No interval where no trial was an event, or every
  /// one.
  Estimate difference() const;

 private:
  std::uint64_t strata_ = 0;
  double weight_ = 0;
  double difference_ = 0;
  double subject_ = 0;
  double reference_ = 0;
  double p_ = 0;
  double q_ = 0;
  bool any_event_ = false;
  bool any_other_ = false;
};

}  // namespace dagloop
