#include "source/counted_range.hpp"

#include <algorithm>

#include "source/told_ages.hpp"

namespace dagloop {
namespace {

constexpr std::uint64_t kFormat = 5;

void write_time(TimePoint time, ByteWriter& bytes) {
  bytes.signed_number(time.time_since_epoch().count());
}

TimePoint read_time(ByteReader& bytes) { return TimePoint{Microseconds{bytes.signed_number()}}; }

}  // namespace

std::string encode(const CountedRange& counted) {
  ByteWriter bytes;
  bytes.number(kFormat);
  write_time(counted.query.range.start, bytes);
  write_time(counted.query.range.end, bytes);
  bytes.number(counted.query.cuts.size());
  for (const TimePoint cut : counted.query.cuts) write_time(cut, bytes);
  const std::optional<Window>& begun = counted.query.begun_between;
  bytes.byte(begun ? 1 : 0);
  if (begun) {
    write_time(begun->start, bytes);
    write_time(begun->end, bytes);
  }
  counted.sums.encode(bytes);
  bytes.number(counted.slots.size());
  for (const auto& [number, mark] : counted.slots) {
    bytes.signed_number(number);
    bytes.signed_number(mark.rows);
    bytes.signed_number(mark.writers);
  }
  bytes.signed_number(counted.turn);
  return bytes.take();
}

std::optional<CountedRange> decode_counted_range(std::string_view encoded) {
  ByteReader bytes(encoded);
  // A store of another version is no fault: everything is counted anew.
  if (bytes.number() != kFormat) return std::nullopt;
  CountedRange counted;
  counted.query.range.start = read_time(bytes);
  counted.query.range.end = read_time(bytes);
  for (std::uint64_t left = bytes.count(1); left > 0; --left) {
    counted.query.cuts.push_back(read_time(bytes));
  }
  if (bytes.byte() != 0) {
    Window begun;
    begun.start = read_time(bytes);
    begun.end = read_time(bytes);
    counted.query.begun_between = begun;
  }
  auto sums = RowSums::decode(bytes);
  if (!sums) return std::nullopt;
  counted.sums = *std::move(sums);
  for (std::uint64_t left = bytes.count(3); left > 0; --left) {
    const std::int64_t number = bytes.signed_number();
    const std::int64_t rows = bytes.signed_number();
    counted.slots[number] = {rows, bytes.signed_number()};
  }
  counted.turn = bytes.signed_number();
  if (!bytes.done() || counted.turn < 0 || !std::ranges::is_sorted(counted.query.cuts)) {
    return std::nullopt;
  }
  return counted;
}

std::int64_t slot_number(TimePoint time) { return floor_to_slot(time).time_since_epoch() / kSlot; }

TimePoint slot_time(std::int64_t number) { return TimePoint(number * kSlot); }

SlotMarks slots_between(const SlotMarks& slots, std::int64_t from, std::int64_t to) {
  return {slots.lower_bound(from), slots.lower_bound(std::max(from, to))};
}

LogQuery sealed_part(const LogQuery& query, Microseconds lateness) {
  LogQuery sealed = query;
  // Rows that come late fall behind this end, so what is kept of the part before needs no mending.
  sealed.range.end = floor_to_slot(query.range.end - lateness);
  for (TimePoint& cut : sealed.cuts) cut = std::min(cut, sealed.range.end);
  return sealed;
}

std::vector<Window> windows_between(const LogQuery& counted, const LogQuery& query) {
  std::vector<Window> windows;
  const auto differ = [&](TimePoint a, TimePoint b) {
    if (a != b) windows.push_back({std::min(a, b), std::max(a, b)});
  };
  differ(counted.range.start, query.range.start);
  differ(counted.range.end, query.range.end);
  for (std::size_t i = 0; i < query.cuts.size(); ++i) differ(counted.cuts.at(i), query.cuts[i]);
  // In which class a run is depends on when it ended alone, but for these.
  const TimePoint end = std::max(counted.range.end, query.range.end);
  const auto ages_of = [end](const LogQuery& of) {
    return told_ages(of).value_or(ToldAges{end, end});
  };
  const ToldAges before = ages_of(counted);
  const ToldAges after = ages_of(query);
  differ(before.first, after.first);
  differ(before.without_short, after.without_short);
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

bool is_near(const LogQuery& counted, const LogQuery& query) {
  if (counted.cuts.size() != query.cuts.size()) return false;
  if (query.range.start < counted.range.start)
    return false;  // what lies before was never looked at
  Microseconds apart{0};
  for (const Window& window : windows_between(counted, query)) apart += window.length();
  // Every window in between is read twice (once to take away, once to add), so beyond a quarter it
  // is no longer much cheaper than to count anew.
  return apart * 4 < query.range.length();
}

Window hull_of(const Window& a, const Window& b) {
  return {std::min(a.start, b.start), std::max(a.end, b.end)};
}

}  // namespace dagloop
