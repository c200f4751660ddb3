// Private to the kpi layer: runs and node records -> partials.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/run_table_options.hpp"
#include "dagloop/record/error_class.hpp"
#include "run_shard.hpp"

namespace dagloop {

/// Settles runs, shard by shard. For one thread.
class Settling {
 public:
  /// Shape: refers to all three.
  Settling(const Pools& pools, const ErrorClasses& classes, const RunTableOptions& options)
      : pools_(pools), classes_(classes), options_(options) {}

  /// Settles every run of the shard. Shape: its node records are sorted in place.
  void settle(RunShard& shard) { settle(shard, nullptr); }
  /// As above, and tells the slot of each run's end, in order, as the number of slots since 1970.
  void settle(RunShard& shard, std::vector<std::uint32_t>& slots) { settle(shard, &slots); }
  /// Returns the partials of all shards settled, by slot, population and cohort. Order: last.
  std::map<PartialKey, KpiPartial> take_partials() { return std::move(partials_); }

 private:
  // A partial, and where in it each plan source is counted.
  struct Cell {
    KpiPartial* partial = nullptr;
    std::vector<std::pair<std::uint32_t, PlanSourcePartial*>> plan_sources;
  };

  void settle(RunShard& shard, std::vector<std::uint32_t>* slots);
  TimePoint slot_of(TimePoint run_end) const;
  Cell& cell_of(const RecordRow& record);
  PlanSourcePartial& plan_source_of(Cell& cell, std::uint32_t text) const;

  const Pools& pools_;
  const ErrorClasses& classes_;
  const RunTableOptions& options_;
  std::map<PartialKey, KpiPartial> partials_;
  std::unordered_map<std::uint64_t, Cell> cells_;  // finds them faster than their keys do
};

}  // namespace dagloop
