#include "dagloop/kpi/run_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "dagloop/base/assert.hpp"
#include "run_settling.hpp"
#include "run_shard.hpp"

namespace dagloop {
namespace {

// Enough that each is small beside the whole, few enough that an empty table is small.
constexpr std::size_t kShards = 64;

// Records added while the memory of the first of them is fetched.
constexpr std::size_t kWaiting = 16;

Hash128 hash_of(std::string_view bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

std::string_view without_trailing_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

}  // namespace

struct RunTable::Impl {
  explicit Impl(RunTableOptions given) : options(std::move(given)) {}

  RecordRow row_of(const LogRecord& record) {
    RecordRow row;
    row.created_at = record.created_at;
    row.duration_ms = record.duration_ms.value_or(kNoDuration);
    row.error_code = pools.texts.intern(record.error_code);
    row.plan_source = pools.texts.intern(record.plan_source);
    row.fanout = pools.fanouts.intern({record.fanout_total, record.fanout_failed});
    row.status = record.status;
    row.compensation = record.compensation;
    row.population = record.population;
    row.cohort = record.cohort;
    row.has_verification_reason = record.has_verification_reason;
    row.has_fallback_reason = record.has_fallback_reason;
    row.idempotent_reuse = record.idempotent_reuse;
    row.is_run_record = !record.is_node_record;
    return row;
  }

  // Puts what was added last into its shards.
  void flush() {
    for (std::size_t i = 0; i < waiting_count; ++i) {
      const Waiting& next = waiting[i];
      RunShard& shard = shards[next.key.high % kShards];
      const std::uint32_t run = shard.index.find_or_add(shard.runs, next.key);
      if (next.record.is_run_record) {
        shard.add_run_record(run, next.record, pools);
        continue;
      }
      shard.nodes.push_back({next.record, run, next.node, next.attempt});
      if (options.dedupe == Dedupe::records) shard.lines.push_back(next.line);
    }
    waiting_count = 0;
  }

  // A record that is not yet in its shard: its place there is being fetched from memory.
  struct Waiting {
    Hash128 key;
    Hash128 line;  // of node records, where identical ones are dropped
    RecordRow record;
    std::uint32_t node = 0;
    std::uint32_t attempt = 1;
  };

  RunTableOptions options;
  InputCounts input;
  Pools pools;
  std::array<Waiting, kWaiting> waiting;
  std::size_t waiting_count = 0;
  std::vector<RunShard> shards{kShards};
  bool is_finished = false;
};

RunTable::RunTable(RunTableOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
RunTable::~RunTable() = default;
RunTable::RunTable(RunTable&&) noexcept = default;
RunTable& RunTable::operator=(RunTable&&) noexcept = default;

void RunTable::add(const LogRecord& record, std::string_view line) {
  Impl& self = *impl_;
  InputCounts& input = self.input;
  ++input.records;
  ++(record.is_node_record ? input.node_records : input.run_records);
  if (record.created_at < self.options.range.end &&
      (!input.newest_record || record.created_at > *input.newest_record)) {
    input.newest_record = record.created_at;
  }
  if (!self.options.range.contains(record.created_at)) {
    ++input.out_of_range;
    return;
  }
  const Hash128 key = hash_of(record.run_key, record.run_key_is_request ? 1 : 0);
  self.shards[key.high % kShards].index.prefetch(key);
  Impl::Waiting& next = self.waiting[self.waiting_count++];
  next.key = key;
  next.record = self.row_of(record);
  if (record.is_node_record) {
    next.node = self.pools.texts.intern(record.node_id);
    next.attempt = record.attempt;
    if (self.options.dedupe == Dedupe::records) {
      next.line = hash_of(without_trailing_space(line), 2);
    }
  }
  if (self.waiting_count == kWaiting) self.flush();
}

void RunTable::reject(const std::string& file, std::uint64_t line_number, RejectReason reason) {
  impl_->input.reject(file, line_number, reason);
}

void RunTable::merge(RunTable&& other) {
  Impl& self = *impl_;
  Impl& from = *other.impl_;
  DAGLOOP_ASSERT(self.options == from.options && !self.is_finished && !from.is_finished);
  self.flush();
  from.flush();
  self.input.merge(from.input);
  const Renumbering numbers = unite_pools(from.pools, self.pools);
  for (std::size_t i = 0; i < kShards; ++i) {
    self.shards[i].absorb(std::move(from.shards[i]), numbers, self.pools);
  }
  from = Impl(from.options);
}

PartialSet RunTable::finish(const ErrorClasses& classes) {
  DAGLOOP_ASSERT(!impl_->is_finished);
  std::vector<RunTable> tables;
  tables.emplace_back(impl_->options);
  std::swap(tables.front(), *this);
  impl_->is_finished = true;
  return finish(std::move(tables), classes, 1);
}

PartialSet RunTable::finish(std::vector<RunTable> tables, const ErrorClasses& classes,
                            unsigned threads) {
  DAGLOOP_ASSERT(!tables.empty() && threads > 0);
  for (RunTable& table : tables) table.impl_->flush();
  Impl& first = *tables.front().impl_;
  std::vector<Renumbering> numbers(tables.size());
  for (std::size_t t = 1; t < tables.size(); ++t) {
    first.input.merge(tables[t].impl_->input);
    numbers[t] = unite_pools(tables[t].impl_->pools, first.pools);
  }
  std::vector<PartialSet> parts(threads);
  std::atomic<std::size_t> next{0};
  const auto settle = [&](PartialSet& part) {
    Settling settling(first.pools, classes, first.options.outcome_node);
    for (std::size_t i = next++; i < kShards; i = next++) {
      RunShard shard = std::move(first.shards[i]);
      for (std::size_t t = 1; t < tables.size(); ++t) {
        shard.absorb(std::move(tables[t].impl_->shards[i]), numbers[t], first.pools);
      }
      if (first.options.dedupe == Dedupe::records) shard.drop_identical_lines();
      settling.settle(shard);
      part.input.duplicates += shard.duplicates;
    }
    part.partials = settling.take_partials();
  };
  {
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(settle, std::ref(parts[i]));
    settle(parts.front());
  }
  PartialSet set = std::move(parts.front());
  for (unsigned i = 1; i < threads; ++i) set.merge(parts[i]);
  set.input.merge(first.input);
  return set;
}

}  // namespace dagloop
