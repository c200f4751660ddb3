#include "source/rollup_sums.hpp"

#include <algorithm>
#include <utility>

#include "dagloop/kpi/partial_codec.hpp"
#include "source/key_filter.hpp"

namespace dagloop {
namespace {

TimePoint hour_of(TimePoint slot) { return std::chrono::floor<std::chrono::hours>(slot); }

bool any_shares(std::vector<RunTable>& tables, std::string_view rows) {
  return std::ranges::any_of(tables, [&](RunTable& table) { return table.shares_run(rows); });
}

std::vector<std::uint32_t> prefixes_of(std::vector<RunTable>& tables) {
  std::vector<std::uint32_t> prefixes;
  for (RunTable& table : tables) table.append_key_prefixes(prefixes);
  return prefixes;
}

void merge_as(TimePoint slot, const std::map<PartialKey, KpiPartial>& from,
              std::map<PartialKey, KpiPartial>& to) {
  for (const auto& [key, partial] : from) {
    to[{slot, key.population, key.cohort, key.age}].merge(partial);
  }
}

}  // namespace

bool RollupSums::fetch(ValueKind kind, const std::vector<TimePoint>& times) {
  if (values_.fetch(kind, times)) return true;
  is_outdated_ = true;
  return false;
}

// Fetches the values of slots or hours that are not here.
bool RollupSums::fetch_missing(ValueKind kind, std::vector<TimePoint> times) {
  std::erase_if(times, [&](TimePoint time) {
    const std::uint64_t version =
        kind == ValueKind::hour_partials ? root_.hours.at(time) : root_.slots.at(time).version;
    return values_.find(kind, time, version).has_value();
  });
  return fetch(kind, times);
}

bool RollupSums::settle(std::vector<RunTable> settled, std::vector<RunTable> unsettled) {
  // In this order: runs that get new records leave their slots, then all new runs are settled into
  // slots, then hours are summed, and only then is anything added to the answer.
  if (!reopen(settled, unsettled)) return false;
  if (!settle_new(std::move(settled), unsettled)) return false;
  prune();
  return sum_hours() && add_apart(std::move(unsettled)) && add_slots();
}

bool RollupSums::find_slots(const KeyFilter& filter, std::set<TimePoint>& slots) {
  if (filter.empty()) return true;
  std::vector<TimePoint> hours;
  for (const auto& [hour, version] : root_.hours) hours.push_back(hour);
  std::vector<TimePoint> single;
  for (const auto& [slot, entry] : root_.slots) {
    if (!root_.hours.contains(hour_of(slot))) single.push_back(slot);
  }
  const bool is_whole = in_batches(hours, [&](const std::vector<TimePoint>& batch) {
    if (!fetch(ValueKind::hour_keys, batch)) return false;
    return std::ranges::all_of(batch, [&](TimePoint hour) {
      auto in = values_.find(ValueKind::hour_keys, hour, root_.hours.at(hour));
      while (in && in->ok() && !in->done()) {
        const TimePoint slot = hour + in->byte() * kSlot;
        if (filter.matches(in->text())) slots.insert(slot);
      }
      return in && in->ok();
    });
  });
  if (!is_whole || !fetch(ValueKind::slot_partials, single)) return false;
  for (const TimePoint slot : single) {
    auto in = values_.find(ValueKind::slot_partials, slot, root_.slots.at(slot).version);
    if (!in || (filter.matches(in->text()) && !slots.insert(slot).second) || !in->ok())
      return false;
  }
  return true;
}

// Hands `times` to `use` a few at a time, and forgets what was fetched: memory that was just freed
// is nearer than any other.
bool RollupSums::in_batches(const std::vector<TimePoint>& times,
                            const std::function<bool(const std::vector<TimePoint>&)>& use) {
  constexpr std::size_t kBatch = 8;
  for (std::size_t first = 0; first < times.size(); first += kBatch) {
    const auto begin = times.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t count = std::min(kBatch, times.size() - first);
    if (!use({begin, begin + static_cast<std::ptrdiff_t>(count)})) return false;
    values_.forget();
  }
  return true;
}

// Takes the settled runs that new records belong to out of their slots, into the first table.
bool RollupSums::reopen(std::vector<RunTable>& settled, std::vector<RunTable>& unsettled) {
  std::vector<std::uint32_t> prefixes = prefixes_of(unsettled);
  has_unsettled_ = !prefixes.empty();
  if (is_new_) return true;
  for (const std::uint32_t prefix : prefixes_of(settled)) prefixes.push_back(prefix);
  std::set<TimePoint> found;
  if (!find_slots(KeyFilter(std::move(prefixes)), found)) return false;
  if (!fetch(ValueKind::slot_rows, {found.begin(), found.end()})) return false;
  for (const TimePoint slot : found) {
    const auto entry = root_.slots.find(slot);
    if (entry == root_.slots.end()) return false;
    auto in = values_.find(ValueKind::slot_rows, slot, entry->second.version);
    if (!in) return false;
    const std::string_view rows = in->rest();
    // The filter knows 4 bytes of each key and may be wrong; the rows decide.
    if (any_shares(settled, rows)) {
      if (!settled.front().add_slot(slot, rows)) return false;
      values_.erase(ValueKind::slot_rows, slot);
      values_.erase(ValueKind::slot_partials, slot);
      root_.slots.erase(entry);
      touch(slot);
    } else if (any_shares(unsettled, rows)) {
      apart_.insert(slot);
    }
  }
  return true;
}

bool RollupSums::settle_new(std::vector<RunTable> settled, std::vector<RunTable>& unsettled) {
  bool is_whole = true;
  const auto threads = static_cast<unsigned>(settled.size());
  RunTable::finish_slots(std::move(settled), threads, [&](SettledSlot&& settled_slot) {
    if (!is_whole) return;
    if (has_unsettled_ && any_shares(unsettled, settled_slot.rows))
      apart_.insert(settled_slot.slot);
    is_whole = write_slot(std::move(settled_slot));
  });
  return is_whole;
}

bool RollupSums::write_slot(SettledSlot settled) {
  if (!merge_known(settled)) return false;
  ByteWriter partials;
  partials.text(settled.key_prefixes);
  encode(settled.partials, partials);
  values_.write(ValueKind::slot_partials, settled.slot, partials);
  ByteWriter rows;
  rows.raw(settled.rows);
  const std::uint64_t version = values_.write(ValueKind::slot_rows, settled.slot, rows);
  root_.slots[settled.slot] = {settled.earliest, settled.latest, settled.duplicates, version};
  touch(settled.slot);
  values_.make_room();
  return true;
}

// Adds what is known of the slot: runs that nothing new belongs to.
bool RollupSums::merge_known(SettledSlot& settled) {
  const auto known = root_.slots.find(settled.slot);
  if (known == root_.slots.end()) return true;
  const SlotEntry& entry = known->second;
  for (const ValueKind kind : {ValueKind::slot_partials, ValueKind::slot_rows}) {
    if (!values_.find(kind, settled.slot, entry.version) && !fetch(kind, {settled.slot}))
      return false;
  }
  auto partials = values_.find(ValueKind::slot_partials, settled.slot, entry.version);
  auto rows = values_.find(ValueKind::slot_rows, settled.slot, entry.version);
  if (!partials || !rows) return false;
  SettledSlot other;
  other.slot = settled.slot;
  other.earliest = entry.earliest;
  other.latest = entry.latest;
  other.duplicates = entry.duplicates;
  other.key_prefixes = partials->text();
  decode(*partials, other.partials);
  other.rows = rows->rest();
  settled.merge(std::move(other));
  return partials->done();
}

// What was added up of the slot's hour is no longer its sum.
void RollupSums::touch(TimePoint slot) {
  const TimePoint hour = hour_of(slot);
  touched_.insert(hour);
  if (root_.hours.erase(hour) == 0) return;
  values_.erase(ValueKind::hour_partials, hour);
  values_.erase(ValueKind::hour_keys, hour);
}

void RollupSums::prune() {
  for (auto at = root_.slots.begin(); at != root_.slots.end();) {
    if (at->second.latest >= root_.kept_from) {
      ++at;
      continue;
    }
    values_.erase(ValueKind::slot_rows, at->first);
    values_.erase(ValueKind::slot_partials, at->first);
    touch(at->first);
    apart_.erase(at->first);
    at = root_.slots.erase(at);
  }
}

// Adds up the hours that are over, once nothing new comes in them.
bool RollupSums::sum_hours() {
  std::map<TimePoint, std::vector<TimePoint>> hours;
  for (const auto& [slot, entry] : root_.slots) {
    const TimePoint hour = hour_of(slot);
    const bool is_over = hour >= root_.kept_from && hour + kHour <= query_.range.end;
    // An hour that still gets records would be summed again at every tick.
    const bool is_quiet = is_new_ || !touched_.contains(hour);
    if (is_over && is_quiet && !root_.hours.contains(hour)) hours[hour].push_back(slot);
  }
  return std::ranges::all_of(hours, [&](const auto& entry) {
    const bool is_summed = sum_hour(entry.first, entry.second);
    values_.forget();
    return is_summed;
  });
}

bool RollupSums::sum_hour(TimePoint hour, const std::vector<TimePoint>& slots) {
  if (!fetch_missing(ValueKind::slot_partials, slots)) return false;
  std::map<PartialKey, KpiPartial> sum;
  ByteWriter keys;
  for (const TimePoint slot : slots) {
    auto in = values_.find(ValueKind::slot_partials, slot, root_.slots.at(slot).version);
    if (!in) return false;
    keys.byte(static_cast<std::uint8_t>((slot - hour) / kSlot));
    keys.text(in->text());
    std::map<PartialKey, KpiPartial> partials;
    decode(*in, partials);
    if (!in->done()) return false;
    merge_as(hour, partials, sum);
  }
  ByteWriter partials;
  encode(sum, partials);
  values_.write(ValueKind::hour_partials, hour, partials);
  root_.hours[hour] = values_.write(ValueKind::hour_keys, hour, keys);
  values_.make_room();
  return true;
}

// Settles the slots again whose runs have records before the range, or lines that count now alone,
// or whose users are asked for.
bool RollupSums::add_apart(std::vector<RunTable> unsettled) {
  const TimePoint start = query_.range.start;
  const std::optional<TimePoint> users_from = query_.users_from();
  for (const auto& [slot, entry] : root_.slots) {
    const bool is_for_users =
        users_from && slot >= std::max(*users_from, start) && slot < query_.range.end;
    if (is_for_users || (entry.earliest < start && entry.latest >= start)) apart_.insert(slot);
  }
  if (!fetch_missing(ValueKind::slot_rows, {apart_.begin(), apart_.end()})) return false;
  for (const TimePoint slot : apart_) {
    auto in = values_.find(ValueKind::slot_rows, slot, root_.slots.at(slot).version);
    if (!in || !unsettled.front().add_slot(slot, in->rest())) return false;
  }
  const auto threads = static_cast<unsigned>(unsettled.size());
  const PartialSet apart = RunTable::finish(std::move(unsettled), threads);
  for (const auto& [key, partial] : apart.partials) {
    const TimePoint as = span_of(key.slot).start;
    result_.partials[{as, key.population, key.cohort, key.age}].merge(partial);
  }
  result_.input.duplicates += apart.input.duplicates;
  return true;
}

// Returns the span of slots that fall together with `slot`.
Window RollupSums::span_of(TimePoint slot) const {
  if (query_.cuts.empty()) return {slot, slot + kSlot};
  const auto behind = std::ranges::upper_bound(query_.cuts, slot);
  return {behind == query_.cuts.begin() ? query_.range.start : *std::prev(behind),
          behind == query_.cuts.end() ? query_.range.end : *behind};
}

bool RollupSums::add_slots() {
  std::map<TimePoint, std::pair<TimePoint, std::uint64_t>> hours;  // -> counted as, version
  std::map<TimePoint, std::pair<TimePoint, std::uint64_t>> slots;
  for (auto at = root_.slots.lower_bound(query_.range.start);
       at != root_.slots.end() && at->first < query_.range.end; ++at) {
    const auto& [slot, entry] = *at;
    if (apart_.contains(slot)) continue;
    result_.input.duplicates += entry.duplicates;
    const TimePoint hour = hour_of(slot);
    const Window span = span_of(slot);
    // An hour counts as a whole only where none of its slots counts apart, and no cut goes through
    // it.
    const auto apart = apart_.lower_bound(hour);
    const bool has_apart = apart != apart_.end() && *apart < hour + kHour;
    const auto sum = root_.hours.find(hour);
    if (sum != root_.hours.end() && !has_apart && hour >= span.start && hour + kHour <= span.end) {
      hours[hour] = {span.start, sum->second};
    } else {
      slots[slot] = {span.start, entry.version};
    }
  }
  return add_values(ValueKind::hour_partials, hours) && add_values(ValueKind::slot_partials, slots);
}

bool RollupSums::add_values(
    ValueKind kind, const std::map<TimePoint, std::pair<TimePoint, std::uint64_t>>& wanted) {
  std::vector<TimePoint> times;
  times.reserve(wanted.size());
  for (const auto& [time, as] : wanted) times.push_back(time);
  return in_batches(times, [&](const std::vector<TimePoint>& batch) {
    if (!fetch_missing(kind, batch)) return false;
    return std::ranges::all_of(batch, [&](TimePoint time) {
      auto in = values_.find(kind, time, wanted.at(time).second);
      if (!in) return false;
      if (kind == ValueKind::slot_partials) in->text();
      std::map<PartialKey, KpiPartial> partials;
      decode(*in, partials);
      if (in->done()) merge_as(wanted.at(time).first, partials, result_.partials);
      return in->done();
    });
  });
}

}  // namespace dagloop
