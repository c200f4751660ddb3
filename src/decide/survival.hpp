// Durations cut off by a timeout: the product-limit estimate below it, a fitted tail beyond. Pure;
// private to the decide layer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dagloop/kpi/service_figures.hpp"
#include "decide/draws.hpp"

namespace dagloop {

/// What happened at one time: ends that were seen, and observations that stop there.
struct SurvivalPoint {
  double at = 0;
  double ended = 0;
  double censored = 0;
};

/// Returns the share that lasts longer than each point's time, in their order.
///
/// Shape:  times ascend; what is censored at a time is still at risk at it.
/// Source: Kaplan and Meier 1958, eq. 2b.
std::vector<double> product_limit(const std::vector<SurvivalPoint>& points);

/// How durations behave beyond the last one that was seen: a generalized Pareto tail over
/// `threshold`, and a share of them that would never end.
struct Tail {
  double threshold = 0;
  double shape = 0;
  double scale = 1;
  double hanging = 0;  // share of what lasts beyond the limit
  /// Returns P(longer than t | longer than threshold) of what ends at some time.
  double survival(double t) const;
  /// Returns the duration that a share `p` of what ends at some time outlasts.
  double outlasted_by(double p) const;
};

/// One possible truth about durations. Units: milliseconds.
class DurationDraw {
 public:
  /// Returns the share of durations above `t`.
  double above(double t) const;
  /// Returns the duration below which a share `p` lies; infinite for what never ends.
  double quantile(double p) const;

 private:
  friend class DurationModel;
  double beyond(double t) const;
  std::vector<double> ends_;  // of buckets, ascending
  std::vector<double> survival_;
  double begin_ = 0;
  std::optional<double> limit_;
  Tail tail_;
};

/// Durations of one possible truth by their rank, quick to look up.
class DurationTable {
 public:
  explicit DurationTable(const DurationDraw& draw);
  /// Returns the duration below which a share `p` lies, within a 512th of the ranks.
  double at(double p) const;

 private:
  const DurationDraw& draw_;
  std::vector<double> durations_;
};

/// What is known of durations that are cut off at a limit.
class DurationModel {
 public:
  /// Shape: what lies at `limit_ms` or above was cut off there; nullopt: nothing was.
  DurationModel(const CoarseDurations& durations, std::optional<double> limit_ms);

  /// Returns how many durations there are, and how many were cut off.
  double count() const { return count_; }
  double cut_off() const { return cut_off_; }
  /// Draws from the posterior: Bayesian bootstrap (Rubin 1981) of what was seen, and the tail's.
  DurationDraw draw(Draws& draws) const;

 private:
  struct Bucket {
    double begin;
    double end;
    double count;
  };
  struct Weighted {
    Tail tail;
    double cumulative;
  };
  void fit_tail();
  std::size_t tail_begin() const;
  double log_likelihood(const Tail& tail, std::size_t first) const;

  std::vector<Bucket> buckets_;  // below the limit
  std::optional<double> limit_;
  double count_ = 0;
  double cut_off_ = 0;
  std::vector<Weighted> tails_;
};

}  // namespace dagloop
