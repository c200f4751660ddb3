#include <algorithm>
#include <atomic>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "run_settling.hpp"
#include "run_table_impl.hpp"
#include "slot_rows.hpp"

namespace dagloop {
namespace {

// What of a run goes into a slot: its records (with its unread lines, where those change nothing),
// or the unread lines that count, which have a slot of their own.
enum class PlacedPart : std::size_t { records, unread };

// A run on its way into its slot: the number of the slot, of the shard and of the run in it, so
// that places order by slot.
class Place {
 public:
  Place(std::uint32_t slot, std::size_t shard, std::uint32_t run, PlacedPart part)
      : bits_(std::uint64_t{slot} << 32U |
              (2 * shard + static_cast<std::size_t>(part)) << kRunBits | run) {}
  PlacedPart part() const { return static_cast<PlacedPart>((bits_ >> kRunBits) % 2); }
  TimePoint slot() const { return TimePoint((bits_ >> 32U) * kSlot); }
  std::size_t shard() const { return (bits_ >> (kRunBits + 1)) % kShards; }
  std::uint32_t run() const { return static_cast<std::uint32_t>(bits_) & RunIndex::kMaxRows; }
  auto operator<=>(const Place&) const = default;

 private:
  static constexpr unsigned kRunBits = 24;
  static_assert(RunIndex::kMaxRows < std::uint32_t{1} << kRunBits);
  static_assert(2 * kShards <= std::size_t{1} << (32U - kRunBits));
  std::uint64_t bits_;
};

// Returns the rows of `run`, of rows that are ordered by run.
template <typename Row>
std::span<const Row> rows_of(const std::vector<Row>& rows, std::uint32_t run) {
  const auto first = std::ranges::lower_bound(rows, run, {}, &Row::run);
  const auto last = std::ranges::upper_bound(rows, run, {}, &Row::run);
  return {first, last};
}

// Takes the slots of all runs apart, so that memory is needed once.
std::vector<Place> places_of(std::vector<ShardSlots>& slots) {
  std::size_t count = 0;
  for (const ShardSlots& of_shard : slots) count += of_shard.ends.size() + of_shard.unread.size();
  std::vector<Place> places;
  places.reserve(count);
  for (std::size_t shard = 0; shard < slots.size(); ++shard) {
    std::uint32_t run = 0;
    for (const std::uint32_t slot : slots[shard].ends) {
      if (slot != ShardSlots::kNone) places.emplace_back(slot, shard, run, PlacedPart::records);
      ++run;
    }
    for (const ShardSlots::Unread& unread : slots[shard].unread) {
      places.emplace_back(unread.slot, shard, unread.run, PlacedPart::unread);
    }
    slots[shard].ends = {};
  }
  // By slot, then shard and run: what is given out is the same for any number of threads.
  std::ranges::sort(places);
  return places;
}

}  // namespace

// Writes slot after slot.
void RunTable::Impl::give_out(const std::function<void(SettledSlot&&)>& take,
                              const std::map<PartialKey, KpiPartial>& partials,
                              std::vector<ShardSlots>& slots) const {
  const std::vector<Place> places = places_of(slots);
  auto partial = partials.begin();
  for (std::size_t i = 0; i < places.size();) {
    const TimePoint slot = places[i].slot();
    SlotRowsWriter writer(pools, slot);
    for (; i < places.size() && places[i].slot() == slot; ++i) {
      const RunShard& shard = shards[places[i].shard()];
      const std::uint32_t run = places[i].run();
      const auto unread = rows_of(shard.unread, run);
      if (places[i].part() == PlacedPart::unread) {
        const RunRow key{shard.runs[run].key, {}};
        writer.add({&key, kNoUser, {}, {}, unread});
        continue;
      }
      const bool is_apart = std::ranges::binary_search(slots[places[i].shard()].unread, run, {},
                                                       &ShardSlots::Unread::run);
      writer.add({&shard.runs[run], shard.user_of(run), rows_of(shard.nodes, run),
                  rows_of(shard.superseded, run),
                  is_apart ? std::span<const UnreadRow>() : unread});
    }
    SettledSlot settled = writer.take();
    for (; partial != partials.end() && partial->first.slot == slot; ++partial) {
      settled.partials.insert(*partial);
    }
    take(std::move(settled));
  }
}

void RunTable::Impl::join(std::vector<RunTable>& tables, unsigned threads,
                          const std::function<void(unsigned, std::size_t, RunShard)>& take) {
  DAGLOOP_ASSERT(!tables.empty() && threads > 0);
  Impl& first = *tables.front().impl_;
  for (RunTable& table : tables) {
    DAGLOOP_ASSERT(table.impl_->options == first.options && !table.impl_->is_finished);
    table.impl_->flush();
  }
  std::vector<Renumbering> numbers(tables.size());
  for (std::size_t t = 1; t < tables.size(); ++t) {
    first.input.merge(tables[t].impl_->input);
    numbers[t] = unite_pools(tables[t].impl_->pools, first.pools);
    tables[t].impl_->pools = Pools(first.options.classes);  // its memory is of use below
  }
  first.pools.texts.find_labels();
  // A run is in the same shard of every table, so shards are joined without locks, one by each
  // thread.
  std::atomic<std::size_t> next{0};
  const auto work = [&](unsigned thread) {
    for (std::size_t i = next++; i < kShards; i = next++) {
      RunShard shard = std::move(first.shards[i]);
      for (std::size_t t = 1; t < tables.size(); ++t) {
        shard.absorb(std::move(tables[t].impl_->shards[i]), numbers[t], first.pools);
      }
      take(thread, i, std::move(shard));
    }
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work, i);
  work(0);
}

bool RunTable::add_slot(TimePoint slot, std::string_view rows) {
  Impl& self = *impl_;
  const Window& range = self.options.range;
  return read_slot_runs(rows, slot, self.pools, [&](const SlotRun& run) {
    // Only what the range would have let in: the range may start later than the one it was settled
    // in.
    const bool has_record = run.record.is_run_record && range.contains(run.record.created_at);
    const auto in_range = [&](const NodeRow& row) { return range.contains(row.record.created_at); };
    const auto is_unread = [&](const UnreadRow& row) { return range.contains(row.at); };
    if (!has_record && std::ranges::none_of(run.nodes, in_range) &&
        std::ranges::none_of(run.unread, is_unread)) {
      return;
    }
    RunShard& shard = self.shards[run.key.high % kShards];
    const std::uint32_t index = shard.index.find_or_add(shard.runs, run.key);
    if (self.keeps_users) shard.add_user(index, run.user);
    if (has_record) shard.add_run_record(index, run.record, self.pools);
    for (NodeRow row : run.nodes) {
      if (!in_range(row)) continue;
      row.run = index;
      shard.nodes.push_back(row);
    }
    for (const UnreadRow& row : run.unread) {
      if (is_unread(row)) shard.unread.push_back({row.at, index, row.cohort, row.may_be_attempt});
    }
    for (const TimePoint time : run.superseded) {
      if (!range.contains(time)) continue;
      ++shard.duplicates;
      if (shard.keeps_superseded) shard.superseded.push_back({time, index});
    }
  });
}

void RunTable::append_key_prefixes(std::vector<std::uint32_t>& prefixes) {
  impl_->flush();
  for (const RunShard& shard : impl_->shards) {
    for (const RunRow& run : shard.runs) prefixes.push_back(key_prefix(run.key));
  }
}

bool RunTable::shares_run(std::string_view rows) {
  impl_->flush();
  bool found = false;
  const bool is_whole = read_slot_keys(rows, [&](const Hash128& key) {
    const RunShard& shard = impl_->shards[key.high % kShards];
    found = found || shard.index.contains(shard.runs, key);
  });
  // Rows that cannot be read might be of any run.
  return found || !is_whole;
}

void RunTable::finish_slots(std::vector<RunTable> tables, unsigned threads,
                            const std::function<void(SettledSlot&&)>& take) {
  Impl& first = *tables.front().impl_;
  DAGLOOP_ASSERT(first.options.rows == Rows::given_out && first.options.dedupe == Dedupe::runs);
  DAGLOOP_ASSERT(first.options.cuts.empty());
  std::vector<std::unique_ptr<Settling>> settlings(threads);
  std::vector<ShardSlots> slots(kShards);
  Impl::join(tables, threads, [&](unsigned thread, std::size_t number, RunShard shard) {
    std::unique_ptr<Settling>& settling = settlings[thread];
    if (!settling) {
      settling = std::make_unique<Settling>(first.pools, first.options);
    }
    settling->settle(shard, slots[number]);
    std::ranges::sort(shard.superseded, {}, &SupersededRow::run);
    first.shards[number] = std::move(shard);
  });
  PartialSet set;
  for (const auto& settling : settlings) {
    if (settling) set.merge({settling->take_partials(), {}});
  }
  first.give_out(take, set.partials, slots);
}

}  // namespace dagloop
