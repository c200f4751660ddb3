// Sums of partials over many windows: slots merged in pairs, pairs of pairs and so on, so that a
// window is a few of them. Value type; reading is thread-safe.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// The partials of a log, ready to be summed over any windows.
class SlotSums {
 public:
  /// Shape: every partial under its own slot (a LogQuery without cuts).
  /// Cost:  O(n log n) in what the partials hold, once.
  explicit SlotSums(const std::map<PartialKey, KpiPartial>& partials);

  /// Returns the sum over the slots in `window`, of one cohort or (nullopt) of all: what
  /// PartialSet::sum() returns.
  ///
  /// Shape: the window's ends are slot boundaries, else a caller's bug; slots outside of the log
  ///        are empty.
  /// Cost:  O(log n) merges a cohort.
  KpiPartial sum(const Window& window, Population population,
                 std::optional<Cohort> cohort = std::nullopt) const;

  /// Returns the latest slot before `end` in which a run ended, of any population and cohort.
  std::optional<TimePoint> newest_slot_before(TimePoint end) const;

 private:
  // The slots of one population and cohort: [0] alone, [1] by pairs, [2] by fours, ...
  using Levels = std::vector<std::vector<KpiPartial>>;

  static void build(Levels& levels);
  static void find_blocks(const Levels& levels, std::size_t begin, std::size_t end,
                          std::vector<const KpiPartial*>& blocks);
  std::size_t index_of(TimePoint slot) const;

  TimePoint first_;
  std::size_t slot_count_ = 0;
  std::vector<TimePoint> slots_with_runs_;
  std::map<std::pair<Population, Cohort>, Levels> levels_;
};

}  // namespace dagloop
