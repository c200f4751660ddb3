// Private to the kpi layer: what a run table holds.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "dagloop/base/ascii.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/contract_words.hpp"
#include "run_settling.hpp"
#include "run_shard.hpp"

namespace dagloop {

// Enough that each is small beside the whole, few enough that an empty table is small.
constexpr std::size_t kShards = 64;

// Records added while the memory of the first of them is fetched.
constexpr std::size_t kWaiting = 16;

struct RunTable::Impl {
  explicit Impl(RunTableOptions given)
      : options(std::move(given)),
        counted_lines(options.window.value_or(options.range)),
        keeps_users(options.users_from || options.rows == Rows::given_out),
        pools(options.classes) {
    for (RunShard& shard : shards) shard.keeps_superseded = options.rows == Rows::given_out;
  }

  // Writes in place: a row made elsewhere costs the reader a copy a line.
  void fill(RecordRow& row, const LogRecord& record) {
    row.created_at = record.created_at;
    row.duration_ms = record.duration_ms.value_or(kNoDuration);
    row.error_code = pools.codes.intern(record.error_code);
    row.origin = pools.origins.intern(
        {pools.texts.intern(record.plan_source), pools.texts.intern(record.pipeline_id)});
    row.fanout = has_fanout(record) ? pools.fanouts.intern(fanout_of(record)) : 0;
    row.status = record.status;
    row.compensation = record.compensation;
    row.population = record.population;
    row.cohort = record.cohort;
    row.has_verification_reason = record.has_verification_reason;
    row.has_fallback_reason = record.has_fallback_reason;
    row.idempotent_reuse = record.idempotent_reuse;
    row.is_run_record = !record.is_node_record;
    row.is_compensation = record.is_compensation;
    row.unread = record.unread & kAllUnread;
    row.is_upstream_failed = record.is_node_record && is_upstream_failed(record.error_code);
  }

  // Puts what was added last into its shards.
  void flush() {
    for (std::size_t i = 0; i < waiting_count; ++i) {
      const Waiting& next = waiting[i];
      RunShard& shard = shards[next.key.high % kShards];
      const std::uint32_t run = shard.index.find_or_add(shard.runs, next.key);
      if (keeps_users) shard.add_user(run, next.user);
      if (next.record.is_run_record) {
        shard.add_run_record(run, next.record, pools);
        continue;
      }
      shard.nodes.push_back({next.record, run, next.node, next.attempt, next.item});
      if (options.dedupe == Dedupe::records) shard.lines.push_back(next.line);
    }
    waiting_count = 0;
  }

  // Makes one of the tables and hands its shards to `take`, with the number of the thread that does
  // it: whole shards, on all threads. What is not in shards is united in the first table before.
  static void join(std::vector<RunTable>& tables, unsigned threads,
                   const std::function<void(unsigned, std::size_t, RunShard)>& take);

  // Hands the runs, settled, to `take` by slot; `slots` has that of each run, by shard.
  void give_out(const std::function<void(SettledSlot&&)>& take,
                const std::map<PartialKey, KpiPartial>& partials,
                std::vector<ShardSlots>& slots) const;

  // A record that is not yet in its shard: its place there is being fetched from memory.
  struct Waiting {
    Hash128 key;
    Hash128 line;  // of node records, where identical ones are dropped
    RecordRow record;
    std::uint64_t user = kNoUser;
    std::uint32_t node = 0;
    std::uint32_t attempt = 1;
    std::uint32_t item = 0;
  };

  // Most records have none.
  static bool has_fanout(const LogRecord& record) {
    return record.fanout_total != 0 || record.fanout_failed != 0 || record.tokens_in ||
           record.tokens_out || record.cost_micros;
  }

  static Fanout fanout_of(const LogRecord& record) {
    Fanout fanout;
    fanout.total = record.fanout_total;
    fanout.failed = record.fanout_failed;
    fanout.has_tokens = record.tokens_in || record.tokens_out;
    fanout.has_cost = record.cost_micros.has_value();
    fanout.tokens = record.tokens_in.value_or(0) + record.tokens_out.value_or(0);
    fanout.cost_micros = record.cost_micros.value_or(0);
    return fanout;
  }

  static bool is_upstream_failed(std::string_view code) {
    return is_same_in_any_case(code, kUpstreamFailedCode);
  }

  void count_mended(std::uint32_t fields) {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      if ((fields & field_bits(field)) != 0) ++input.mended_by_field[field];
    }
  }

  RunTableOptions options;
  Window counted_lines;      // those of InputCounts::window
  bool keeps_users = false;  // costs a hash a record
  InputCounts input;
  Pools pools;
  std::array<Waiting, kWaiting> waiting;
  std::size_t waiting_count = 0;
  std::vector<RunShard> shards{kShards};
  bool is_finished = false;
};

}  // namespace dagloop
