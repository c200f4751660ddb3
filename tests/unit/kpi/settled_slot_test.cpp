#include "dagloop/kpi/settled_slot.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "awkward_log.hpp"
#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/run_table.hpp"

namespace dagloop {
namespace {

using test::awkward_log;
using test::kRange;
using test::OwnedRecord;
using test::Random;
using test::settle;

using Slots = std::map<TimePoint, SettledSlot>;

const Window kAlways{test::at_minute(-1000), test::at_minute(1000)};

RunTableOptions keeping(const Window& range) {
  return {range, "evaluate", Dedupe::runs, Rows::given_out};
}

RunTable table_of(const std::vector<OwnedRecord>& records, const Window& range) {
  RunTable table(keeping(range));
  for (const OwnedRecord& record : records) test::add(record, table);
  return table;
}

Slots slots_of(RunTable table) {
  Slots slots;
  std::vector<RunTable> tables;
  tables.push_back(std::move(table));
  RunTable::finish_slots(std::move(tables), 2, [&](SettledSlot&& settled) {
    const TimePoint slot = settled.slot;
    REQUIRE(slots.emplace(slot, std::move(settled)).second);
  });
  return slots;
}

// The sum of settled slots, as a read would give it.
std::pair<std::map<PartialKey, KpiPartial>, std::uint64_t> sum_of_parts(const Slots& slots) {
  std::map<PartialKey, KpiPartial> partials;
  std::uint64_t duplicates = 0;
  for (const auto& [slot, settled] : slots) {
    for (const auto& [key, partial] : settled.partials) {
      REQUIRE(key.slot == slot);
      partials[key].merge(partial);
    }
    duplicates += settled.duplicates;
  }
  return {partials, duplicates};
}

}  // namespace

TEST_CASE("settled slots add up to what settling without giving them out gives") {
  Random random(31);
  for (int round = 0; round < 500; ++round) {
    const auto records = awkward_log(random);
    const PartialSet expected = settle(records, {kRange, "evaluate", Dedupe::runs});
    const auto [partials, duplicates] = sum_of_parts(slots_of(table_of(records, kRange)));
    REQUIRE(partials == expected.partials);
    REQUIRE(duplicates == expected.input.duplicates);
  }
}

TEST_CASE("rows taken in again settle as the records did, also in a range that starts later") {
  Random random(32);
  for (int round = 0; round < 500; ++round) {
    const auto records = awkward_log(random);
    const Slots slots = slots_of(table_of(records, kAlways));
    const Window range{test::awkward_time(random), kAlways.end};
    const RunTableOptions options{range, "evaluate", Dedupe::runs};
    RunTable again(options);
    for (const auto& [slot, settled] : slots) REQUIRE(again.add_slot(slot, settled.rows));
    const PartialSet found = again.finish();
    const PartialSet expected = settle(records, options);
    CAPTURE(round);
    REQUIRE(found.partials == expected.partials);
    REQUIRE(found.input.duplicates == expected.input.duplicates);
    REQUIRE(found.input.records == 0);
  }
}

TEST_CASE("records that come later reopen the slots of their runs, and theirs alone") {
  Random random(33);
  for (int round = 0; round < 500; ++round) {
    const auto records = awkward_log(random);
    const std::size_t cut = random.below(records.size() + 1);
    const auto middle = records.begin() + static_cast<std::ptrdiff_t>(cut);
    Slots slots = slots_of(table_of({records.begin(), middle}, kRange));
    RunTable table = table_of({middle, records.end()}, kRange);
    RunTable alone = table_of({middle, records.end()}, kRange);
    std::erase_if(slots, [&](const auto& entry) {
      const bool shares = alone.shares_run(entry.second.rows);
      if (shares) REQUIRE(table.add_slot(entry.first, entry.second.rows));
      return shares;
    });
    for (auto& [slot, settled] : slots_of(std::move(table))) {
      slots[slot].merge(std::move(settled));
    }
    const Slots whole = slots_of(table_of(records, kRange));
    REQUIRE(sum_of_parts(slots) == sum_of_parts(whole));
    REQUIRE(slots.size() == whole.size());
    for (const auto& [slot, settled] : whole) {
      REQUIRE(slots.at(slot).runs == settled.runs);
      REQUIRE(slots.at(slot).earliest == settled.earliest);
      REQUIRE(slots.at(slot).latest == settled.latest);
      REQUIRE(slots.at(slot).key_prefixes.size() == settled.runs * kKeyPrefixBytes);
    }
  }
}

TEST_CASE("a table's key prefixes are those of its settled slots") {
  Random random(34);
  const auto records = awkward_log(random);
  RunTable table = table_of(records, kRange);
  std::vector<std::uint32_t> expected;
  table.append_key_prefixes(expected);
  std::vector<std::uint32_t> found;
  for (const auto& [slot, settled] : slots_of(std::move(table))) {
    ByteReader in(settled.key_prefixes);
    while (!in.done()) found.push_back(in.fixed32());
  }
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  CHECK(found == expected);
  CHECK_FALSE(found.empty());
}

TEST_CASE("a run whose records all lie outside the range is not taken in") {
  const auto records = {test::make_node_record("r1", "a", 10), test::make_record("r2", 10)};
  const Slots slots = slots_of(table_of(records, kAlways));
  REQUIRE(slots.size() == 1);
  RunTable table(keeping({test::at_minute(11), test::at_minute(50)}));
  CHECK(table.add_slot(slots.begin()->first, slots.begin()->second.rows));
  CHECK(slots_of(std::move(table)).empty());
}

TEST_CASE("damaged rows are refused or are some rows, and never fail otherwise") {
  Random random(35);
  const Slots slots = slots_of(table_of(awkward_log(random), kAlways));
  REQUIRE(slots.size() > 3);
  for (const auto& [slot, settled] : slots) {
    for (std::size_t i = 0; i < settled.rows.size(); ++i) {
      RunTable cut(keeping(kAlways));
      CHECK(cut.add_slot(slot, std::string_view(settled.rows).substr(0, i)) == (i == 0));
      std::string changed = settled.rows;
      changed[i] = static_cast<char>(random.next());
      RunTable table(keeping(kAlways));
      if (table.add_slot(slot, changed)) slots_of(std::move(table));
    }
  }
}

}  // namespace dagloop
