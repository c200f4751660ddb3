#include "source/kept_range.hpp"

#include <algorithm>

namespace dagloop {
namespace {

constexpr std::uint64_t kFormat = 1;

void write_time(TimePoint time, ByteWriter& bytes) {
  bytes.signed_number(time.time_since_epoch().count());
}

TimePoint read_time(ByteReader& bytes) { return TimePoint{Microseconds{bytes.signed_number()}}; }

}  // namespace

std::string encode(const KeptRange& kept) {
  ByteWriter bytes;
  bytes.number(kFormat);
  write_time(kept.query.range.start, bytes);
  write_time(kept.query.range.end, bytes);
  bytes.number(kept.query.cuts.size());
  for (const TimePoint cut : kept.query.cuts) write_time(cut, bytes);
  kept.sums.encode(bytes);
  bytes.number(kept.slots.size());
  for (const auto& [number, mark] : kept.slots) {
    bytes.signed_number(number);
    bytes.signed_number(mark.rows);
    bytes.signed_number(mark.writers);
  }
  bytes.signed_number(kept.turn);
  return bytes.take();
}

std::optional<KeptRange> decode_kept_range(std::string_view encoded) {
  ByteReader bytes(encoded);
  if (bytes.number() != kFormat) return std::nullopt;
  KeptRange kept;
  kept.query.range.start = read_time(bytes);
  kept.query.range.end = read_time(bytes);
  for (std::uint64_t left = bytes.count(1); left > 0; --left) {
    kept.query.cuts.push_back(read_time(bytes));
  }
  auto sums = RowSums::decode(bytes);
  if (!sums) return std::nullopt;
  kept.sums = *std::move(sums);
  for (std::uint64_t left = bytes.count(3); left > 0; --left) {
    const std::int64_t number = bytes.signed_number();
    const std::int64_t rows = bytes.signed_number();
    kept.slots[number] = {rows, bytes.signed_number()};
  }
  kept.turn = bytes.signed_number();
  if (!bytes.done() || kept.turn < 0 || !std::ranges::is_sorted(kept.query.cuts)) {
    return std::nullopt;
  }
  return kept;
}

std::int64_t slot_number(TimePoint time) { return floor_to_slot(time).time_since_epoch() / kSlot; }

TimePoint slot_time(std::int64_t number) { return TimePoint(number * kSlot); }

SlotMarks slots_between(const SlotMarks& slots, std::int64_t from, std::int64_t to) {
  return {slots.lower_bound(from), slots.lower_bound(std::max(from, to))};
}

LogQuery sealed_part(const LogQuery& query, Microseconds lateness) {
  LogQuery sealed = query;
  sealed.range.end = floor_to_slot(query.range.end - lateness);
  for (TimePoint& cut : sealed.cuts) cut = std::min(cut, sealed.range.end);
  return sealed;
}

std::vector<Window> windows_between(const LogQuery& kept, const LogQuery& query) {
  std::vector<Window> windows;
  const auto differ = [&](TimePoint a, TimePoint b) {
    if (a != b) windows.push_back({std::min(a, b), std::max(a, b)});
  };
  differ(kept.range.start, query.range.start);
  differ(kept.range.end, query.range.end);
  for (std::size_t i = 0; i < query.cuts.size(); ++i) differ(kept.cuts.at(i), query.cuts[i]);
  std::ranges::sort(windows, {}, &Window::start);
  std::vector<Window> disjoint;
  for (const Window& window : windows) {
    if (disjoint.empty() || window.start > disjoint.back().end) {
      disjoint.push_back(window);
    } else {
      disjoint.back().end = std::max(disjoint.back().end, window.end);
    }
  }
  return disjoint;
}

bool is_near(const LogQuery& kept, const LogQuery& query) {
  if (kept.cuts.size() != query.cuts.size()) return false;
  if (query.range.start < kept.range.start) return false;  // what lies before was never looked at
  Microseconds apart{0};
  for (const Window& window : windows_between(kept, query)) apart += window.length();
  return apart * 4 < query.range.length();
}

Window hull_of(const Window& a, const Window& b) {
  return {std::min(a.start, b.start), std::max(a.end, b.end)};
}

}  // namespace dagloop
