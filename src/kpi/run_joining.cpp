#include <algorithm>
#include <atomic>
#include <memory>
#include <span>
#include <thread>
#include <tuple>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "kept_rows.hpp"
#include "run_settling.hpp"
#include "run_table_impl.hpp"

namespace dagloop {
namespace {

// A run on its way into its slot.
struct Place {
  TimePoint slot;
  std::uint32_t shard = 0;
  std::uint32_t run = 0;
};

// Returns the rows of `run`, of rows that are ordered by run.
template <typename Row>
std::span<const Row> rows_of(const std::vector<Row>& rows, std::uint32_t run) {
  const auto [first, last] = std::ranges::equal_range(rows, run, {}, &Row::run);
  return {first, last};
}

}  // namespace

void RunTable::Impl::join(std::vector<RunTable>& tables, unsigned threads,
                          const std::function<void(unsigned, std::size_t, RunShard)>& take) {
  DAGLOOP_ASSERT(!tables.empty() && threads > 0);
  for (RunTable& table : tables) table.impl_->flush();
  Impl& first = *tables.front().impl_;
  std::vector<Renumbering> numbers(tables.size());
  for (std::size_t t = 1; t < tables.size(); ++t) {
    first.input.merge(tables[t].impl_->input);
    numbers[t] = unite_pools(tables[t].impl_->pools, first.pools);
  }
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

bool RunTable::add_kept(TimePoint slot, std::string_view rows) {
  Impl& self = *impl_;
  const Window& range = self.options.range;
  return read_kept_runs(rows, slot, self.pools, [&](const KeptRun& run) {
    const bool has_record = run.record.is_run_record && range.contains(run.record.created_at);
    const auto in_range = [&](const NodeRow& row) { return range.contains(row.record.created_at); };
    if (!has_record && std::ranges::none_of(run.nodes, in_range)) return;
    RunShard& shard = self.shards[run.key.high % kShards];
    const std::uint32_t index = shard.index.find_or_add(shard.runs, run.key);
    if (has_record) shard.add_run_record(index, run.record, self.pools);
    for (NodeRow row : run.nodes) {
      if (!in_range(row)) continue;
      row.run = index;
      shard.nodes.push_back(row);
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
  const bool is_whole = read_kept_keys(rows, [&](const Hash128& key) {
    const RunShard& shard = impl_->shards[key.high % kShards];
    found = found || shard.index.contains(shard.runs, key);
  });
  return found || !is_whole;
}

void RunTable::keep(std::vector<RunTable> tables, const ErrorClasses& classes, unsigned threads,
                    const std::function<void(KeptSlot&&)>& take) {
  Impl& first = *tables.front().impl_;
  DAGLOOP_ASSERT(first.options.rows == Rows::kept && first.options.dedupe == Dedupe::runs);
  DAGLOOP_ASSERT(first.options.cuts.empty());
  std::vector<std::unique_ptr<Settling>> settlings(threads);
  std::vector<std::vector<TimePoint>> slots(kShards);
  Impl::join(tables, threads, [&](unsigned thread, std::size_t number, RunShard shard) {
    std::unique_ptr<Settling>& settling = settlings[thread];
    if (!settling) {
      settling = std::make_unique<Settling>(first.pools, classes, first.options);
    }
    settling->settle(shard, slots[number]);
    std::ranges::sort(shard.superseded, {}, &SupersededRow::run);
    first.shards[number] = std::move(shard);
  });
  PartialSet set;
  for (const auto& settling : settlings) {
    if (settling) set.merge({settling->take_partials(), {}});
  }
  std::vector<Place> places;
  for (std::uint32_t number = 0; number < kShards; ++number) {
    for (std::uint32_t run = 0; run < slots[number].size(); ++run) {
      places.push_back({slots[number][run], number, run});
    }
    slots[number] = {};
  }
  std::ranges::sort(places, {}, [](const Place& place) {
    return std::tuple(place.slot, place.shard, place.run);
  });
  auto partial = set.partials.begin();
  for (std::size_t i = 0; i < places.size();) {
    const TimePoint slot = places[i].slot;
    KeptRowsWriter writer(first.pools, slot);
    for (; i < places.size() && places[i].slot == slot; ++i) {
      const RunShard& shard = first.shards[places[i].shard];
      writer.add({&shard.runs[places[i].run], rows_of(shard.nodes, places[i].run),
                  rows_of(shard.superseded, places[i].run)});
    }
    KeptSlot kept = writer.take();
    for (; partial != set.partials.end() && partial->first.slot == slot; ++partial) {
      kept.partials.insert(*partial);
    }
    take(std::move(kept));
  }
}

}  // namespace dagloop
