// Whether one of two paired series is greater, by ranks. Value type.
#pragma once

#include <deque>

namespace dagloop::bench {

/// The last values of two series, taken side by side.
class PairedSeries {
 public:
  void add(double first, double second);
  /// Returns whether the first is greater: its rank sum lies more than `z` deviations above the
  /// mean.
  ///
  /// Shape:  false under ten pairs; the last 96 are kept.
  /// Source: Mann and Whitney 1947, normal approximation with ties; one pair an interval, as
  ///         Kayenta's judge compares.
  bool first_is_greater(double z) const;

 private:
  struct Pair {
    double first;
    double second;
  };
  std::deque<Pair> values_;
};

}  // namespace dagloop::bench
