#include "run_shard.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kFirstSlots = 64;

// The upper bits of a slot; shards are chosen by other bits of the key.
std::uint32_t tag_of(const Hash128& key) {
  return static_cast<std::uint32_t>(key.high >> 56U) << 24U;
}

bool stands_over(const RecordRow& a, const RecordRow& b, const Pools& pools) {
  // Latest first; then one that is over stands over one that is not; then by content alone, so that
  // whichever was read first makes no difference.
  if (a.created_at != b.created_at) return a.created_at > b.created_at;
  if (is_final(a.status) != is_final(b.status)) return is_final(a.status);
  return content_before(b, a, pools);
}

RecordRow renumbered(RecordRow row, const Renumbering& numbers) {
  row.error_code = numbers.codes[row.error_code];
  row.origin = numbers.origins[row.origin];
  row.fanout = numbers.fanouts[row.fanout];
  return row;
}

}  // namespace

std::uint32_t RunIndex::find_or_add(std::deque<RunRow>& rows, const Hash128& key) {
  // At most three quarters full: beyond that the way to a free place becomes long.
  if (4 * (rows.size() + 1) > 3 * slots_.size()) grow(rows);
  const std::uint32_t tag = tag_of(key);
  std::size_t at = key.low & (slots_.size() - 1);
  for (; slots_[at] != kFree; at = (at + 1) & (slots_.size() - 1)) {
    const std::uint32_t row = slots_[at] & kMaxRows;
    if ((slots_[at] & ~kMaxRows) == tag && rows[row].key == key) return row;
  }
  DAGLOOP_ASSERT(rows.size() < kMaxRows);
  const auto row = static_cast<std::uint32_t>(rows.size());
  slots_[at] = tag | row;
  rows.emplace_back().key = key;
  return row;
}

bool RunIndex::contains(const std::deque<RunRow>& rows, const Hash128& key) const {
  if (slots_.empty()) return false;
  const std::uint32_t tag = tag_of(key);
  std::size_t at = key.low & (slots_.size() - 1);
  for (; slots_[at] != kFree; at = (at + 1) & (slots_.size() - 1)) {
    const std::uint32_t row = slots_[at] & kMaxRows;
    if ((slots_[at] & ~kMaxRows) == tag && rows[row].key == key) return true;
  }
  return false;
}

void RunIndex::grow(const std::deque<RunRow>& rows) {
  slots_ = std::vector<std::uint32_t>(std::max(kFirstSlots, 2 * slots_.size()), kFree);
  // Rows stand in small blocks, which the processor does not foresee.
  constexpr std::size_t kAhead = 32;
  auto ahead = rows.begin() + static_cast<std::ptrdiff_t>(std::min(kAhead, rows.size()));
  std::uint32_t row = 0;
  for (const RunRow& run : rows) {
    if (ahead != rows.end()) __builtin_prefetch(&*ahead++);
    std::size_t at = run.key.low & (slots_.size() - 1);
    while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = tag_of(run.key) | row++;
  }
}

Renumbering unite_pools(const Pools& from, Pools& to) {
  Renumbering numbers;
  for (std::uint32_t i = 0; i < from.texts.size(); ++i) {
    numbers.texts.push_back(to.texts.intern(from.texts.text(i)));
  }
  for (std::uint32_t i = 0; i < from.codes.size(); ++i) {
    numbers.codes.push_back(to.codes.add(from.codes.code(i)));
  }
  for (std::uint32_t i = 0; i < from.fanouts.size(); ++i) {
    numbers.fanouts.push_back(to.fanouts.intern(from.fanouts.fanout(i)));
  }
  for (std::uint32_t i = 0; i < from.origins.size(); ++i) {
    const Origin& origin = from.origins.origin(i);
    numbers.origins.push_back(
        to.origins.intern({numbers.texts[origin.plan_source], numbers.texts[origin.pipeline]}));
  }
  return numbers;
}

void RunShard::add_run_record(std::uint32_t run, const RecordRow& record, const Pools& pools) {
  RecordRow& standing = runs[run].record;
  if (standing.is_run_record) {
    ++duplicates;
    const bool stands = stands_over(record, standing, pools);
    if (keeps_superseded) {
      superseded.push_back({stands ? standing.created_at : record.created_at, run});
    }
    if (!stands) return;
  }
  standing = record;
}

void RunShard::absorb(RunShard&& other, const Renumbering& numbers, const Pools& pools) {
  std::vector<std::uint32_t> places;
  places.reserve(other.runs.size());
  // Taken from the front as they are copied, so that both shards are never in memory as a whole.
  for (; !other.runs.empty(); other.runs.pop_front()) {
    const RunRow& run = other.runs.front();
    places.push_back(index.find_or_add(runs, run.key));
    const std::uint64_t user = other.user_of(static_cast<std::uint32_t>(places.size() - 1));
    if (user != kNoUser) add_user(places.back(), user);
    if (!run.record.is_run_record) continue;
    add_run_record(places.back(), renumbered(run.record, numbers), pools);
  }
  for (const NodeRow& node : other.nodes) {
    nodes.push_back({renumbered(node.record, numbers), places[node.run], numbers.texts[node.node],
                     node.attempt, node.item});
  }
  lines.insert(lines.end(), other.lines.begin(), other.lines.end());
  for (const SupersededRow& row : other.superseded) {
    superseded.push_back({row.created_at, places[row.run]});
  }
  for (const UnreadRow& row : other.unread) {
    unread.push_back({row.at, places[row.run], row.cohort, row.may_be_attempt});
  }
  duplicates += other.duplicates;
  other = RunShard();
}

void RunShard::drop_identical_lines() {
  std::vector<std::uint32_t> order(nodes.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [this](std::uint32_t a, std::uint32_t b) { return lines[a] < lines[b]; });
  std::vector<NodeRow> kept;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && lines[order[i]] == lines[order[i - 1]]) continue;
    kept.push_back(nodes[order[i]]);
  }
  duplicates += nodes.size() - kept.size();
  nodes = std::move(kept);
  lines.clear();
}

bool content_before(const RecordRow& a, const RecordRow& b, const Pools& pools) {
  const auto content = [&pools](const RecordRow& row) {
    const auto text = [&pools](std::uint32_t number) {
      return std::string_view(pools.texts.text(number));
    };
    const Origin& origin = pools.origins.origin(row.origin);
    // By value: a bit-field has no address.
    return std::make_tuple(row.status, std::string_view(pools.codes.label(row.error_code)),
                           pools.codes.error_class(row.error_code), row.compensation,
                           Population{row.population}, Cohort{row.cohort},
                           bool{row.has_verification_reason}, bool{row.has_fallback_reason},
                           bool{row.idempotent_reuse}, row.duration_ms, bool{row.is_compensation},
                           pools.fanouts.fanout(row.fanout), text(origin.plan_source),
                           text(origin.pipeline), UnreadBits{row.unread});
  };
  return content(a) < content(b);
}

}  // namespace dagloop
