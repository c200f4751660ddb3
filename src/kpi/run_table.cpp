#include "dagloop/kpi/run_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "dagloop/base/assert.hpp"
#include "run_rows.hpp"
#include "run_settling.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

Hash128 hash_of(std::string_view bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

std::string_view without_trailing_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

// Finds runs by key: open addressing over indices into the rows, at most half full.
class RunIndex {
 public:
  // Returns the index of `key`'s row; a new row is appended where there is none.
  std::uint32_t find_or_add(std::vector<RunRow>& rows, const Hash128& key) {
    if (2 * (rows.size() + 1) > slots_.size()) grow(rows);
    std::size_t at = key.low & (slots_.size() - 1);
    while (slots_[at] != kNone && rows[slots_[at]].key != key) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at] == kNone) {
      DAGLOOP_ASSERT(rows.size() < kNone);
      slots_[at] = static_cast<std::uint32_t>(rows.size());
      rows.emplace_back().key = key;
    }
    return slots_[at];
  }

 private:
  void grow(const std::vector<RunRow>& rows) {
    slots_.assign(std::max<std::size_t>(1024, 2 * slots_.size()), kNone);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      std::size_t at = rows[i].key.low & (slots_.size() - 1);
      while (slots_[at] != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = i;
    }
  }

  std::vector<std::uint32_t> slots_;
};

}  // namespace

struct RunTable::Impl {
  explicit Impl(RunTableOptions given) : options(std::move(given)) {}

  RecordRow row_of(const LogRecord& record) {
    RecordRow row;
    row.created_at = record.created_at;
    row.duration_ms = record.duration_ms.value_or(kNoDuration);
    row.fanout_total = record.fanout_total;
    row.fanout_failed = record.fanout_failed;
    row.error_code = pool.intern(record.error_code);
    row.plan_source = pool.intern(record.plan_source);
    row.status = record.status;
    row.compensation = record.compensation;
    row.population = record.population;
    row.cohort = record.cohort;
    row.has_verification_reason = record.has_verification_reason;
    row.has_fallback_reason = record.has_fallback_reason;
    row.idempotent_reuse = record.idempotent_reuse;
    return row;
  }

  // The later record stands; on a tie a final one; then the one that is last by content.
  bool stands_over(const RecordRow& a, const RecordRow& b) const {
    if (a.created_at != b.created_at) return a.created_at > b.created_at;
    if (is_final(a.status) != is_final(b.status)) return is_final(a.status);
    return content_before(b, a, pool);
  }

  void add_run_record(RunRow& run, const RecordRow& record) {
    if (run.has_run_record) {
      ++input.duplicates;
      if (!stands_over(record, run.record)) return;
    }
    run.record = record;
    run.has_run_record = true;
  }

  // Node records whose line was seen before go; one of each stays.
  void drop_identical_lines() {
    std::vector<std::uint32_t> order(nodes.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [this](std::uint32_t a, std::uint32_t b) { return lines[a] < lines[b]; });
    std::vector<NodeRow> kept;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0 && lines[order[i]] == lines[order[i - 1]]) continue;
      kept.push_back(nodes[order[i]]);
    }
    input.duplicates += nodes.size() - kept.size();
    nodes = std::move(kept);
    lines.clear();
  }

  RunTableOptions options;
  InputCounts input;
  StringPool pool;
  std::vector<RunRow> runs;
  RunIndex index;
  std::vector<NodeRow> nodes;
  std::vector<Hash128> lines;  // of the node records, with Dedupe::records
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
  const std::uint32_t run = self.index.find_or_add(self.runs, key);
  const RecordRow row = self.row_of(record);
  if (!record.is_node_record) {
    self.add_run_record(self.runs[run], row);
    return;
  }
  self.nodes.push_back({row, run, self.pool.intern(record.node_id), record.attempt});
  if (self.options.dedupe == Dedupe::records) {
    self.lines.push_back(hash_of(without_trailing_space(line), 2));
  }
}

void RunTable::reject(const std::string& file, std::uint64_t line_number, RejectReason reason) {
  impl_->input.reject(file, line_number, reason);
}

void RunTable::merge(RunTable&& other) {
  Impl& self = *impl_;
  Impl& from = *other.impl_;
  DAGLOOP_ASSERT(self.options == from.options && !self.is_finished && !from.is_finished);
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < from.pool.size(); ++i) {
    numbers.push_back(self.pool.intern(from.pool.text(i)));
  }
  const auto renumber = [&numbers](RecordRow& row) {
    row.error_code = numbers[row.error_code];
    row.plan_source = numbers[row.plan_source];
  };
  self.input.merge(from.input);
  std::vector<std::uint32_t> places;
  for (RunRow& run : from.runs) {
    renumber(run.record);
    places.push_back(self.index.find_or_add(self.runs, run.key));
    if (run.has_run_record) self.add_run_record(self.runs[places.back()], run.record);
  }
  for (NodeRow& node : from.nodes) {
    renumber(node.record);
    self.nodes.push_back({node.record, places[node.run], numbers[node.node], node.attempt});
  }
  self.lines.insert(self.lines.end(), from.lines.begin(), from.lines.end());
  from = Impl(from.options);
}

PartialSet RunTable::finish(const ErrorClasses& classes) {
  Impl& self = *impl_;
  DAGLOOP_ASSERT(!self.is_finished);
  self.is_finished = true;
  if (self.options.dedupe == Dedupe::records) self.drop_identical_lines();
  PartialSet set;
  set.partials = settle_runs(self.runs, self.nodes, self.pool, classes, self.options.outcome_node);
  set.input = self.input;
  return set;
}

}  // namespace dagloop
