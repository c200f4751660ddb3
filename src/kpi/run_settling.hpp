// Private to the kpi layer: runs and node records -> partials.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/run_table_options.hpp"
#include "run_shard.hpp"
#include "user_marks.hpp"

namespace dagloop {

/// A run as it counts: from its run record, or derived from its node records.
struct SettledRun {
  RecordRow record;
  Fanout fanout;
  std::uint32_t plan_source = 0;  // texts
  std::uint32_t pipeline = 0;
  TimePoint newest;  // of its records
  bool is_manual = false;
  bool is_derived = false;
};

/// Returns the number of slots since 1970.
inline std::uint32_t slot_number_of(TimePoint time) {
  return static_cast<std::uint32_t>(floor_to_slot(time).time_since_epoch() / kSlot);
}

/// The slots of a shard's runs, as the number of slots since 1970.
struct ShardSlots {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  struct Unread {
    std::uint32_t run = 0;
    std::uint32_t slot = 0;
  };

  std::vector<std::uint32_t> ends;  // of each run's end, in order; kNone: it has no record
  std::vector<Unread> unread;       // of each unread run that counts; by run
};

/// Settles runs, shard by shard. For one thread.
class Settling {
 public:
  /// Shape: refers to both.
  Settling(const Pools& pools, const RunTableOptions& options) : pools_(pools), options_(options) {}

  /// Settles every run of the shard. Shape: its node records are sorted in place.
  void settle(RunShard& shard) { settle(shard, nullptr); }
  /// As above, and tells the slots.
  void settle(RunShard& shard, ShardSlots& slots) { settle(shard, &slots); }
  /// Returns the partials of all shards settled, by slot, population, cohort and age. Order:
  /// last.
  std::map<PartialKey, KpiPartial> take_partials();
  /// Returns the runs of users, where they are asked for. Order: last.
  UserRunsByKey take_users() { return std::move(users_); }

 private:
  // Where in a partial the runs of one pipeline and plan source are counted; null: not yet.
  struct Places {
    PlanSourcePartial* plan_source = nullptr;
    PlanSourcePartial* pipeline = nullptr;
    StratumPartial* stratum = nullptr;
  };

  // A partial, and where in it runs are counted.
  struct Cell {
    KpiPartial* partial = nullptr;
    // By both texts; the first few, which are found faster one by one, and the others.
    std::vector<std::pair<std::uint64_t, Places>> few;
    std::unordered_map<std::uint64_t, Places> others;
    std::vector<UserRun>* users = nullptr;  // where a run of a user was counted
  };

  void settle(RunShard& shard, ShardSlots* slots);
  // Returns whether the run is in the rates.
  bool count(const SettledRun& run, std::span<const NodeRow> rows, std::uint64_t user);
  void count_in_stratum(const SettledRun& run, std::span<const NodeRow> rows, Cell& cell,
                        Places& places) const;
  void count_hidden(const RecordRow& run);
  void count_attempts_of(const RecordRow& run, std::span<const UnreadRow> rows);
  bool is_selected(std::uint32_t pipeline) const;
  void count_unread(std::span<const UnreadRow> rows, ShardSlots* slots);
  TimePoint slot_of(TimePoint run_end) const;
  Cell& cell_of(const PartialKey& key);
  static Places& new_places(std::uint64_t texts, Cell& cell);
  static Places& places_of(const SettledRun& run, Cell& cell);

  const Pools& pools_;
  const RunTableOptions& options_;
  std::map<PartialKey, KpiPartial> partials_;
  UserRunsByKey users_;
  std::unordered_map<std::uint64_t, Cell> cells_;  // finds them faster than their keys do
};

}  // namespace dagloop
