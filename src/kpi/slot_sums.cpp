#include "dagloop/kpi/slot_sums.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"

namespace dagloop {

namespace {

void sort_durations(std::vector<KpiPartial>& partials) {
  for (KpiPartial& partial : partials) {
    partial.latency.sort();
    for (auto& [name, node] : partial.nodes) node.latency.sort();
  }
}

// Sums of many slots would hold the same users again and again, and nobody asks for them.
KpiPartial without_users(KpiPartial partial) {
  partial.users = {};
  return partial;
}

}  // namespace

SlotSums::SlotSums(const std::map<PartialKey, KpiPartial>& partials) {
  if (partials.empty()) return;
  first_ = partials.begin()->first.slot;
  slot_count_ = static_cast<std::size_t>((partials.rbegin()->first.slot - first_) / kSlot) + 1;
  for (const auto& [key, partial] : partials) {
    DAGLOOP_ASSERT(floor_to_slot(key.slot) == key.slot);
    if (slots_with_runs_.empty() || slots_with_runs_.back() != key.slot) {
      slots_with_runs_.push_back(key.slot);
    }
    Levels& levels = levels_[{key.population, key.cohort}];
    if (levels.empty()) levels.emplace_back(slot_count_);
    levels.front()[index_of(key.slot)].merge(without_users(partial));
    if (!partial.users.users().empty()) users_.emplace(key, partial.users);
    if (key.age == AgeClass()) continue;
    oldest_ = std::max(oldest_, key.age);
    aged_.emplace(key, without_users(partial));
    const auto young = partials.find({key.slot, key.population, key.cohort});
    if (young != partials.end()) aged_.emplace(young->first, without_users(young->second));
  }
  for (auto& [which, levels] : levels_) build(levels);
}

void SlotSums::build(Levels& levels) {
  sort_durations(levels.back());
  while (levels.back().size() > 1) {
    const std::vector<KpiPartial>& below = levels.back();
    // Sums of 2, 4, 8 ... slots: a window of n slots is put together from some 2 log2(n) of them,
    // where a replay asks for thousands of windows.
    std::vector<KpiPartial> level((below.size() + 1) / 2);
    for (std::size_t i = 0; i < below.size(); ++i) level[i / 2].merge(below[i]);
    sort_durations(level);
    levels.push_back(std::move(level));
  }
}

// A block whose twin lies outside is taken alone; the others are left to the level above.
void SlotSums::find_blocks(const Levels& levels, std::size_t begin, std::size_t end,
                           Blocks& blocks) {
  for (std::size_t level = 0; begin < end; ++level, begin /= 2, end /= 2) {
    if (begin % 2 == 1) blocks.push_back(&levels[level][begin++]);
    if (begin < end && end % 2 == 1) blocks.push_back(&levels[level][--end]);
  }
}

std::size_t SlotSums::index_of(TimePoint slot) const {
  const auto after_first = (slot - first_) / kSlot;
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(after_first, 0, static_cast<std::int64_t>(slot_count_)));
}

// From there on even the longest runs began late enough, so that sums need not tell ages apart.
std::size_t SlotSums::first_without_ages(std::size_t begin, std::size_t end,
                                         TimePoint begun_from) const {
  if (oldest_.number() == AgeClass::kLast) return end;
  const TimePoint warm = ceil_to_slot(begun_from) + oldest_.oldest_slots() * kSlot;
  return std::clamp(index_of(warm), begin, end);
}

// Takes those of one slot that began late enough.
void SlotSums::find_begun(const Which& which, std::size_t at, TimePoint begun_from,
                          Blocks& blocks) const {
  const TimePoint slot = first_ + static_cast<std::int64_t>(at) * kSlot;
  auto aged = aged_.lower_bound({slot, which.first, which.second});
  const auto is_here = [&] {
    return aged != aged_.end() && aged->first.slot == slot &&
           aged->first.population == which.first && aged->first.cohort == which.second;
  };
  if (!is_here()) {
    if (AgeClass().surely_began(slot, begun_from)) {
      blocks.push_back(&levels_.at(which).front()[at]);
    }
    return;
  }
  for (; is_here(); ++aged) {
    if (aged->first.age.surely_began(slot, begun_from)) blocks.push_back(&aged->second);
  }
}

KpiPartial SlotSums::sum(const Window& window, Population population, std::optional<Cohort> cohort,
                         std::optional<TimePoint> begun_from) const {
  DAGLOOP_ASSERT(floor_to_slot(window.start) == window.start);
  DAGLOOP_ASSERT(floor_to_slot(window.end) == window.end);
  Blocks blocks;
  const std::size_t begin = index_of(window.start);
  const std::size_t end = index_of(window.end);
  const std::size_t plain = begun_from ? first_without_ages(begin, end, *begun_from) : begin;
  for (const auto& [which, levels] : levels_) {
    if (which.first != population || (cohort && which.second != *cohort)) continue;
    for (std::size_t at = begun_from ? std::clamp(index_of(*begun_from), begin, plain) : plain;
         at < plain; ++at) {
      find_begun(which, at, *begun_from, blocks);
    }
    find_blocks(levels, plain, end, blocks);
  }
  // The greatest first: they have their durations in buckets, where the others then go one by one.
  std::sort(blocks.begin(), blocks.end(), [](const KpiPartial* a, const KpiPartial* b) {
    return a->latency.count() > b->latency.count();
  });
  KpiPartial total;
  for (const KpiPartial* block : blocks) total.merge(*block);
  if (window.length() > kLongestWithUsers) return total;
  for (auto at = users_.lower_bound({window.start, population});
       at != users_.end() && at->first.slot < window.end; ++at) {
    const PartialKey& key = at->first;
    if (key.population != population || (cohort && key.cohort != *cohort)) continue;
    if (begun_from && !key.age.surely_began(key.slot, *begun_from)) continue;
    total.users.merge(at->second);
  }
  return total;
}

std::optional<TimePoint> SlotSums::newest_slot_before(TimePoint end) const {
  const auto after = std::lower_bound(slots_with_runs_.begin(), slots_with_runs_.end(), end);
  if (after == slots_with_runs_.begin()) return std::nullopt;
  return *std::prev(after);
}

}  // namespace dagloop
