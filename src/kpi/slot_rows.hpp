// Private to the kpi layer: rows of runs as bytes, and back. The bytes are blocks, one after
// another: number of runs, their keys, the texts, codes, fan-outs and origins that they refer to,
// then their rows. A run may be in two slots: its records in one, its lines that could not be read
// in another.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/settled_slot.hpp"
#include "run_shard.hpp"

namespace dagloop {

/// A run of a shard, with its node records and its records that do not stand.
struct WholeRun {
  const RunRow* run = nullptr;
  std::uint64_t user = kNoUser;
  std::span<const NodeRow> nodes;
  std::span<const SupersededRow> superseded;
  std::span<const UnreadRow> unread;
};

/// Writes the runs of one slot.
class SlotRowsWriter {
 public:
  SlotRowsWriter(const Pools& pools, TimePoint slot) : pools_(pools) { slot_.slot = slot; }

  /// Adds a run that ended in the slot.
  void add(const WholeRun& run);
  /// Returns the slot, without its partials. Order: last.
  SettledSlot take();

 private:
  std::uint64_t text_number(std::uint32_t number);
  std::uint64_t code_number(std::uint32_t number);
  std::uint64_t fanout_number(std::uint32_t number);
  std::uint64_t origin_number(std::uint32_t number);
  void add_record(const RecordRow& record);
  void add_time(TimePoint time);

  const Pools& pools_;
  SettledSlot slot_;
  std::string keys_;
  ByteWriter texts_;
  ByteWriter codes_;
  ByteWriter fanouts_;
  ByteWriter origins_;
  ByteWriter rows_;
  std::unordered_map<std::uint32_t, std::uint64_t> text_numbers_;
  std::unordered_map<std::uint32_t, std::uint64_t> code_numbers_;
  std::unordered_map<std::uint32_t, std::uint64_t> fanout_numbers_;
  std::unordered_map<std::uint32_t, std::uint64_t> origin_numbers_;
};

/// A run as read; its rows refer to the pools given to read_slot_runs.
struct SlotRun {
  Hash128 key;
  std::uint64_t user = kNoUser;
  RecordRow record;  // where is_run_record
  std::vector<NodeRow> nodes;
  std::vector<TimePoint> superseded;
  std::vector<UnreadRow> unread;
};

/// Reads all blocks and hands each run to `take`; returns false, perhaps after some runs, for bytes
/// that no SlotRowsWriter wrote.
bool read_slot_runs(std::string_view rows, TimePoint slot, Pools& pools,
                    const std::function<void(const SlotRun&)>& take);

/// Hands the keys of all runs to `take`; returns as read_slot_runs.
bool read_slot_keys(std::string_view rows, const std::function<void(const Hash128&)>& take);

/// Returns the first bytes of a key, by which runs are looked for before their rows are read.
inline std::uint32_t key_prefix(const Hash128& key) {
  return static_cast<std::uint32_t>(key.low >> 32U);
}

}  // namespace dagloop
