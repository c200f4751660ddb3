#include "dagloop/kpi/run_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <tuple>
#include <utility>
#include <vector>

#include "dagloop/base/assert.hpp"
#include "run_settling.hpp"
#include "run_table_impl.hpp"
#include "user_marks.hpp"

namespace dagloop {
namespace {

Hash128 hash_of(std::string_view bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

std::string_view without_trailing_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

}  // namespace

RunTable::RunTable(RunTableOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
RunTable::~RunTable() = default;
RunTable::RunTable(RunTable&&) noexcept = default;
RunTable& RunTable::operator=(RunTable&&) noexcept = default;

void RunTable::add_other() { ++impl_->input.other_lines; }

void RunTable::add(const LogRecord& record, std::string_view line) {
  Impl& self = *impl_;
  InputCounts& input = self.input;
  ++input.records;
  ++(record.is_node_record ? input.node_records : input.run_records);
  if (record.created_at < self.options.range.end) {
    keep_latest(record.created_at, input.newest_record);
  }
  if (record.mended != 0) self.count_mended(record.mended);
  if (self.counted_lines.contains(record.created_at)) input.window.add(record.cohort, {1, 0});
  if (!self.options.range.contains(record.created_at)) {
    ++input.out_of_range;
    if (record.created_at >= self.options.range.end) ++input.set_aside;
    return;
  }
  // 128 bits: of a thousand million runs two have one hash with a probability below 1e-20, so keys
  // themselves are not kept. The seed keeps the key spaces of runs and requests apart.
  Impl::Waiting& next = self.waiting[self.waiting_count++];
  next.key = hash_of(record.run_key, record.run_key_is_request ? 1 : 0);
  // The place in the table is hardly ever in a cache. It is fetched while the next records are
  // read.
  self.shards[next.key.high % kShards].index.prefetch(next.key);
  self.fill(next.record, record);
  if (self.keeps_users) next.user = user_mark(record);
  if (record.is_node_record) {
    next.node = self.pools.texts.intern(record.node_id);
    next.attempt = record.attempt;
    next.item = record.fanout_index ? *record.fanout_index + 1 : 0;
    if (self.options.dedupe == Dedupe::records) {
      next.line = hash_of(without_trailing_space(line), 2);
    }
  }
  if (self.waiting_count == kWaiting) self.flush();
}

RejectedLine rejected_line(const UnreadLine& unread, std::string_view line) {
  const RunKey key = unread.run_key.empty()
                         ? hash_of(without_trailing_space(line), 3)
                         : hash_of(unread.run_key, unread.run_key_is_request ? 1 : 0);
  return {unread.reason, unread.cohort, key, unread.created_at, unread.may_be_attempt};
}

void RunTable::reject(const std::string& file, std::uint64_t line_number, const UnreadLine& unread,
                      std::string_view line) {
  reject(file, line_number, rejected_line(unread, line), unread.fault);
}

void RunTable::reject(const std::string& file, std::uint64_t line_number, const RejectedLine& line,
                      const ReadFault& fault) {
  Impl& self = *impl_;
  self.input.reject({file, line_number, line.reason, fault.field, fault.found,
                     std::string(fault.wanted), fault.mapping});
  const TimePoint at = line.at.value_or(self.options.range.end - Microseconds{1});
  if (self.counted_lines.contains(at)) self.input.window.add(line.cohort, {1, 1});
  if (line.at && at < self.options.range.end) keep_latest(line.at, self.input.newest_unread);
  add_unread(line);
}

void RunTable::add_unread(const RejectedLine& line) {
  Impl& self = *impl_;
  const TimePoint at = line.at.value_or(self.options.range.end - Microseconds{1});
  if (!self.options.range.contains(at)) return;
  RunShard& shard = self.shards[line.key.high % kShards];
  const std::uint32_t run = shard.index.find_or_add(shard.runs, line.key);
  shard.unread.push_back({at, run, line.cohort, line.may_be_attempt});
}

bool RunTable::shows_mended(const std::string& file, std::uint64_t line_number) const {
  const std::vector<MendedExample>& shown = impl_->input.mended_examples;
  if (shown.size() < InputCounts::kMaxExamples) return true;
  return std::tie(file, line_number) <= std::tie(shown.back().file, shown.back().line);
}

void RunTable::show_mended(MendedExample example) {
  InputCounts one;
  one.mended_examples.push_back(std::move(example));
  impl_->input.merge(one);
}

PartialSet RunTable::finish() {
  DAGLOOP_ASSERT(!impl_->is_finished);
  std::vector<RunTable> tables;
  tables.emplace_back(impl_->options);
  std::swap(tables.front(), *this);
  impl_->is_finished = true;
  return finish(std::move(tables), 1);
}

PartialSet RunTable::finish(std::vector<RunTable> tables, unsigned threads) {
  const Impl& first = *tables.front().impl_;
  std::vector<PartialSet> parts(threads);
  std::vector<UserRunsByKey> users(threads);
  std::vector<std::unique_ptr<Settling>> settlings(threads);
  Impl::join(tables, threads, [&](unsigned thread, std::size_t, RunShard shard) {
    std::unique_ptr<Settling>& settling = settlings[thread];
    if (!settling) {
      settling = std::make_unique<Settling>(first.pools, first.options);
    }
    if (first.options.dedupe == Dedupe::records) shard.drop_identical_lines();
    settling->settle(shard);
    parts[thread].input.duplicates += shard.duplicates;
  });
  PartialSet set;
  for (unsigned i = 0; i < threads; ++i) {
    if (settlings[i]) {
      users[i] = settlings[i]->take_users();
      parts[i].partials = settlings[i]->take_partials();
    }
    if (i == 0) set = std::move(parts.front());
    if (i > 0) set.merge(parts[i]);
  }
  add_users(users, first.pools.codes, set);
  set.input.merge(first.input);
  return set;
}

}  // namespace dagloop
