// Whether a daily series rises or falls, by tests that no outlier moves. Pure value types.
#pragma once

#include <optional>
#include <vector>

namespace dagloop {

/// A figure of one day; days count from any day on.
struct DailyValue {
  int day = 0;
  double value = 0;
};

/// The direction of a series.
struct Trend {
  double slope_per_day = 0;       // Theil and Sen: the median of all pairs' slopes
  std::optional<double> tau;      // Kendall's tau-b against time; none where all values are equal
  std::optional<double> p_value;  // of no trend, two-sided; none likewise

  /// Returns whether there is a trend at the 5 % level, and it rises (or falls).
  bool rises() const { return p_value && *p_value < 0.05 && *tau > 0; }
  bool falls() const { return p_value && *p_value < 0.05 && *tau < 0; }
};

/// Returns the direction of `series`.
///
/// Shape:  two days or more, in ascending order, each once; days may be missing.
/// Source: Mann 1945 and Kendall 1975, exact without ties up to 33 values, else the normal
///         approximation with ties; Theil 1950, Sen 1968.
Trend find_trend(const std::vector<DailyValue>& series);

}  // namespace dagloop
