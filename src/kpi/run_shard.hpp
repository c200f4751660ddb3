// Private to the kpi layer: a part of a run table's runs, by key, with their node records. Shards
// of different keys are merged and settled independently, by several threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "run_rows.hpp"

namespace dagloop {

/// Finds runs by key: open addressing over indices into the rows, at most three quarters full. A
/// slot is an index of 24 bits and 8 bits of the key, so that a row is looked at only where it is
/// likely the one.
class RunIndex {
 public:
  /// Most rows of a shard.
  static constexpr std::uint32_t kMaxRows = (std::uint32_t{1} << 24U) - 1;

  /// Fetches what find_or_add(key) will look at first.
  void prefetch(const Hash128& key) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[key.low & (slots_.size() - 1)]);
  }

  /// Returns the index of `key`'s row; a new row is appended where there is none.
  std::uint32_t find_or_add(std::deque<RunRow>& rows, const Hash128& key);
  /// Returns whether `key` has a row.
  bool contains(const std::deque<RunRow>& rows, const Hash128& key) const;

 private:
  void grow(const std::deque<RunRow>& rows);

  std::vector<std::uint32_t> slots_;
};

/// What a table's numbers are in the pools that it is merged into.
struct Renumbering {
  std::vector<std::uint32_t> texts;
  std::vector<std::uint32_t> codes;
  std::vector<std::uint32_t> fanouts;
  std::vector<std::uint32_t> origins;
};

/// Adds what is in `from` to `to` and returns the new numbers.
Renumbering unite_pools(const Pools& from, Pools& to);

/// Runs and node records.
struct RunShard {
  std::deque<RunRow> runs;  // rows stay where they are: growing needs no second copy
  RunIndex index;
  std::vector<NodeRow> nodes;
  std::vector<Hash128> lines;             // of the node records, where identical ones are dropped
  std::uint64_t duplicates = 0;           // run records that do not stand, identical lines
  std::vector<SupersededRow> superseded;  // run records that do not stand, where they are kept
  bool keeps_superseded = false;
  std::vector<UnreadRow> unread;
  // Of each run the least user_mark() of its records. Most tables keep none: it may be shorter.
  std::vector<std::uint64_t> users;

  /// Says whose a record of the run at `run` is.
  void add_user(std::uint32_t run, std::uint64_t mark) {
    if (users.size() <= run) users.resize(run + 1, kNoUser);
    users[run] = std::min(users[run], mark);
  }
  /// Returns whose the run at `run` is; kNoUser where that is not kept.
  std::uint64_t user_of(std::uint32_t run) const {
    return run < users.size() ? users[run] : kNoUser;
  }
  /// Adds a run record of the run at `run`: the later one stands; on a tie a final one; then the
  /// one that is last by content.
  void add_run_record(std::uint32_t run, const RecordRow& record, const Pools& pools);
  /// Takes over `other`, whose numbers become those of `pools`.
  void absorb(RunShard&& other, const Renumbering& numbers, const Pools& pools);
  /// Drops node records whose line was seen before; one of each stays.
  void drop_identical_lines();
};

}  // namespace dagloop
