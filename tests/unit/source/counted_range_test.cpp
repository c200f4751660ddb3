// What is kept of a database between ticks: sums that are taken apart and put together again, and
// the windows by which two ranges differ, against a slow look at every slot.
#include "source/counted_range.hpp"

#include <catch2/catch.hpp>
#include <random>

namespace dagloop {
namespace {

const TimePoint kStart = *parse_time("2026-02-25T00:00:00Z");

TimePoint at_slot(std::int64_t slot) { return kStart + slot * kSlot; }

LogQuery range_query(std::int64_t start, std::int64_t cut, std::int64_t end) {
  return {{at_slot(start), at_slot(end)}, at_slot(end), {at_slot(cut), at_slot(end)}};
}

PartialRow run_row(TimePoint slot, std::int64_t runs) {
  PartialRow row;
  row.slot = slot;
  row.name = "llm";
  row.code = {"503", ErrorClass::server, true};
  row.bucket = 1000;
  row.n[0] = runs;
  row.n[1] = runs;
  return row;
}

PartialRow other_row(RowKind kind, std::int64_t first, std::int64_t second) {
  PartialRow row;
  row.kind = kind;
  row.n[0] = first;
  row.n[1] = second;
  row.n[3] = kind == RowKind::input ? 77 : 0;
  return row;
}

RowSums some_sums(const LogQuery& query) {
  RowSums sums;
  sums.add(run_row(query.range.start, 5), query, RowSign::plus);
  sums.add(run_row(query.cuts[0], 7), query, RowSign::plus);
  sums.add(other_row(RowKind::input, 12, 0), query, RowSign::plus);
  sums.add(other_row(RowKind::reject, 2, 5), query, RowSign::plus);
  return sums;
}

// Which span a slot lies in; -1: in none.
std::int64_t place_of(TimePoint slot, const LogQuery& query) {
  if (!query.range.contains(slot)) return -1;
  return std::ranges::upper_bound(query.cuts, slot) - query.cuts.begin();
}

}  // namespace

TEST_CASE("sums that are moved to another range lie in its spans") {
  const LogQuery before = range_query(0, 10, 20);
  const LogQuery after = range_query(1, 11, 21);
  const PartialSet set = some_sums(before).partials(after);
  REQUIRE(set.partials.size() == 2);
  CHECK(set.partials.begin()->first.slot == at_slot(1));
  CHECK(set.partials.begin()->second.total_runs == 5);
  CHECK(set.partials.rbegin()->first.slot == at_slot(11));
  CHECK(set.partials.rbegin()->second.latency.count() == 7);
  CHECK(set.input.run_records == 12);
  CHECK(set.input.malformed == 2);
  CHECK(set.input.newest_record == TimePoint{Microseconds{77}});
}

TEST_CASE("what is added and taken away again is gone") {
  const LogQuery query = range_query(0, 10, 20);
  const RowSums sums = some_sums(query);
  RowSums more = sums;
  RowSums extra;
  extra.add(run_row(query.cuts[0], 3), query, RowSign::plus);
  more.add(extra, RowSign::plus);
  CHECK(more != sums);
  more.add(extra, RowSign::minus);
  CHECK(more == sums);
  CHECK(more.are_possible());
  more.add(run_row(query.cuts[0], 8), query, RowSign::minus);
  CHECK_FALSE(more.are_possible());
}

TEST_CASE("runs in flight are taken away whatever else is known of them") {
  const LogQuery query = range_query(0, 10, 20);
  RowSums sums;
  PartialRow in_flight = run_row(query.range.start, 0);
  in_flight.n = {};
  in_flight.n[2] = 1;
  sums.add(in_flight, query, RowSign::plus);
  in_flight.name.clear();
  in_flight.bucket.reset();
  sums.add(in_flight, query, RowSign::minus);
  CHECK(sums == RowSums{});
}

TEST_CASE("a counted range outlives the process, and a damaged one is not believed") {
  CountedRange counted;
  counted.query = range_query(0, 10, 20);
  counted.query.begun_between = {at_slot(3), at_slot(4)};
  counted.sums = some_sums(counted.query);
  counted.slots = {{100, {3, 900}}, {101, {1, 7}}};
  counted.turn = 48;
  const std::string bytes = encode(counted);
  const auto read = decode_counted_range(bytes);
  REQUIRE(read);
  CHECK(read->query.range == counted.query.range);
  CHECK(read->query.cuts == counted.query.cuts);
  CHECK(read->query.begun_between == counted.query.begun_between);
  CHECK(read->sums == counted.sums);
  CHECK(read->slots == counted.slots);
  CHECK(read->turn == 48);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_counted_range(std::string_view(bytes).substr(0, size)));
  }
  CHECK_FALSE(decode_counted_range(bytes + "x"));
}

TEST_CASE("two ranges differ where a slot lies in another span, and nowhere else") {
  std::mt19937 random(7);
  const auto any = [&random](int from, int to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random);
  };
  for (int round = 0; round < 300; ++round) {
    const LogQuery counted = range_query(any(0, 5), any(6, 12), any(13, 20));
    const LogQuery query = range_query(any(0, 5), any(6, 12), any(13, 20));
    const std::vector<Window> windows = windows_between(counted, query);
    for (std::int64_t slot = -2; slot < 25; ++slot) {
      const TimePoint time = at_slot(slot);
      const bool is_touched =
          std::ranges::any_of(windows, [&](const Window& window) { return window.contains(time); });
      if (place_of(time, counted) != place_of(time, query)) CHECK(is_touched);
    }
    for (std::size_t i = 1; i < windows.size(); ++i) {
      CHECK(windows[i - 1].end < windows[i].start);
    }
  }
}

TEST_CASE("two ranges differ where ages are told in one of them alone") {
  LogQuery counted = range_query(0, 10, 20);
  LogQuery query = counted;
  CHECK(windows_between(counted, query).empty());
  query.begun_between = {at_slot(4), at_slot(6)};
  CHECK(windows_between(counted, query) == std::vector<Window>{{at_slot(4), at_slot(20)}});
  CHECK_FALSE(is_near(counted, query));
  counted.begun_between = {at_slot(3), at_slot(7)};
  CHECK(windows_between(counted, query) ==
        std::vector<Window>{{at_slot(3), at_slot(4)}, {at_slot(7), at_slot(8)}});
}

TEST_CASE("the sealed part ends lateness before the end, and cuts stay in it") {
  const LogQuery sealed = sealed_part(range_query(0, 10, 20), kSlot * 3);
  CHECK(sealed.range == Window{at_slot(0), at_slot(17)});
  CHECK(sealed.cuts == std::vector<TimePoint>{at_slot(10), at_slot(17)});
}

TEST_CASE("sums are moved where ranges are near") {
  CHECK(is_near(range_query(0, 50, 97), range_query(1, 51, 101)));
  CHECK_FALSE(is_near(range_query(0, 50, 97), range_query(10, 60, 110)));
  CHECK_FALSE(is_near(range_query(1, 50, 97), range_query(0, 50, 97)));
  LogQuery other = range_query(0, 50, 97);
  other.cuts.pop_back();
  CHECK_FALSE(is_near(other, range_query(0, 50, 97)));
}

}  // namespace dagloop
