// Sums of partials over many windows: slots merged in pairs, pairs of pairs and so on, so that a
// window is a few of them. Value type; reading is thread-safe.
#pragma once

#include <chrono>
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
  /// The longest window whose sum has users: they are counted step by step.
  static constexpr std::chrono::hours kLongestWithUsers{2};

  /// Shape: every partial under its own slot (a LogQuery without cuts).
  /// Cost:  O(n log n) in what the partials hold, once.
  explicit SlotSums(const std::map<PartialKey, KpiPartial>& partials);

  /// Returns the sum over the slots in `window`, of one cohort or (nullopt) of all, with
  /// `begun_from` of runs that surely began then or later: what PartialSet::sum() returns.
  ///
  /// Shape: the window's ends are slot boundaries, else a caller's bug; slots outside of the log
  ///        are empty. Users are in the sums of windows up to kLongestWithUsers alone.
  /// Cost:  O(log n) merges a cohort; with `begun_from` one more a slot, as far behind it as the
  ///        longest runs of the log took.
  KpiPartial sum(const Window& window, Population population,
                 std::optional<Cohort> cohort = std::nullopt,
                 std::optional<TimePoint> begun_from = std::nullopt) const;

  /// Returns the latest slot before `end` in which a run ended, of any population and cohort.
  std::optional<TimePoint> newest_slot_before(TimePoint end) const;

 private:
  // The slots of one population and cohort: [0] alone, [1] by pairs, [2] by fours, ...
  using Levels = std::vector<std::vector<KpiPartial>>;
  using Blocks = std::vector<const KpiPartial*>;
  using Which = std::pair<Population, Cohort>;

  static void build(Levels& levels);
  static void find_blocks(const Levels& levels, std::size_t begin, std::size_t end, Blocks& blocks);
  std::size_t index_of(TimePoint slot) const;
  std::size_t first_without_ages(std::size_t begin, std::size_t end, TimePoint begun_from) const;
  void find_begun(const Which& which, std::size_t at, TimePoint begun_from, Blocks& blocks) const;

  TimePoint first_;
  std::size_t slot_count_ = 0;
  std::vector<TimePoint> slots_with_runs_;
  std::map<Which, Levels> levels_;
  AgeClass oldest_;
  // By age, those of slots, populations and cohorts with an age but the first.
  std::map<PartialKey, KpiPartial> aged_;
  std::map<PartialKey, UserSums> users_;
};

}  // namespace dagloop
