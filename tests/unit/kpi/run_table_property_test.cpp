#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../../support/fault_every.hpp"
#include "awkward_log.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "naive_reading.hpp"

namespace dagloop {
namespace {

using test::at_minute;
using test::awkward_log;
using test::kRange;
using test::NaiveReading;
using test::OwnedRecord;
using test::Random;
using test::settle;

RunTableOptions options_of(int round) {
  return {kRange, round % 2 == 0 ? "" : "evaluate", round % 4 < 2 ? Dedupe::runs : Dedupe::records};
}

std::uint64_t in_range(const std::vector<OwnedRecord>& records) {
  std::uint64_t count = 0;
  for (const OwnedRecord& record : records) {
    count += record.is_unread || kRange.contains(record.at) ? 1U : 0U;
  }
  return count;
}

// Node records count as they come, and so do lines that may be some.
std::map<PartialKey, KpiPartial> without_attempts(PartialSet set) {
  for (auto& [key, partial] : set.partials) partial.unread_attempts = 0;
  return std::move(set.partials);
}

}  // namespace

TEST_CASE("the partials of thousands of awkward logs equal an independent reading") {
  Random random(11);
  for (std::size_t round = 0; round < 3000; round += test::fault_every()) {
    const auto records = awkward_log(random);
    const std::string outcome_node = round % 2 == 0 ? "" : "evaluate";
    const PartialSet found = settle(records, {kRange, outcome_node, Dedupe::runs});
    const NaiveReading reading(records, kRange, outcome_node);
    CAPTURE(round);
    REQUIRE(found.partials == reading.partials());
    REQUIRE(found.input.duplicates == reading.duplicate_run_records());
    REQUIRE(found.input.records == records.size());
    REQUIRE(found.input.out_of_range == records.size() - in_range(records));
  }
}

TEST_CASE(
    "runs of some pipelines alone, and without cancelled ones, equal an independent reading") {
  Random random(12);
  const CountingRules rules{{Status::pending}, Cancelled::excluded, {"orders"}};
  for (std::size_t round = 0; round < 1000; round += test::fault_every()) {
    const auto records = awkward_log(random);
    const PartialSet found = settle(records, {.range = kRange, .outcome_node = "", .rules = rules});
    CAPTURE(round);
    auto partials = found.partials;
    std::erase_if(partials, [](const auto& each) { return each.second == KpiPartial(); });
    REQUIRE(partials == NaiveReading(records, kRange, "", rules).partials());
  }
}

TEST_CASE("with dedupe by records, awkward logs read like their distinct lines") {
  Random random(16);
  for (int round = 0; round < 1000; ++round) {
    const auto records = awkward_log(random);
    const auto distinct = test::without_identical_nodes(records);
    const PartialSet found = settle(records, {kRange, "evaluate", Dedupe::records});
    const NaiveReading reading(distinct, kRange, "evaluate");
    CAPTURE(round);
    REQUIRE(found.partials == reading.partials());
    REQUIRE(found.input.duplicates ==
            reading.duplicate_run_records() + in_range(records) - in_range(distinct));
  }
}

TEST_CASE("partials that are apart only at cuts add up to the same windows") {
  Random random(17);
  for (int round = 0; round < 500; ++round) {
    const auto records = awkward_log(random);
    RunTableOptions options = options_of(round);
    const PartialSet slots = settle(records, options);
    const int first = 5 * static_cast<int>(1 + random.below(10));
    const int last = first + 5 * static_cast<int>(1 + random.below(10));
    options.cuts = {at_minute(first), at_minute(last)};
    const PartialSet spans = settle(records, options);
    CAPTURE(round, first, last);
    for (const Window& window :
         {Window{kRange.start, at_minute(first)}, Window{at_minute(first), at_minute(last)},
          Window{at_minute(last), kRange.end}, kRange}) {
      for (const Population population : {Population::dag, Population::non_dag}) {
        REQUIRE(spans.sum(window, population) == slots.sum(window, population));
      }
    }
    for (const auto& [key, partial] : spans.partials) {
      REQUIRE((key.slot == kRange.start || key.slot == at_minute(first) ||
               key.slot == at_minute(last)));
    }
    REQUIRE(spans.input == slots.input);
  }
}

TEST_CASE("shuffling the records changes nothing") {
  Random random(12);
  for (int round = 0; round < 500; ++round) {
    auto records = awkward_log(random);
    const PartialSet before = settle(records, options_of(round));
    test::shuffle(records, random);
    CAPTURE(round);
    REQUIRE(settle(records, options_of(round)) == before);
  }
}

TEST_CASE("splitting the records over any number of tables changes nothing") {
  Random random(13);
  for (int round = 0; round < 500; ++round) {
    const auto records = awkward_log(random);
    const RunTableOptions options = options_of(round);
    std::vector<RunTable> tables;
    const std::uint64_t count = 1 + random.below(5);
    for (std::uint64_t i = 0; i < count; ++i) tables.emplace_back(options);
    for (const OwnedRecord& record : records) {
      test::add(record, tables[random.below(tables.size())]);
    }
    CAPTURE(round);
    const auto threads = static_cast<unsigned>(1 + random.below(3));
    REQUIRE(RunTable::finish(std::move(tables), threads) == settle(records, options));
  }
}

TEST_CASE("duplicating run records changes no partial, and each is counted") {
  Random random(14);
  for (int round = 0; round < 300; ++round) {
    auto records = awkward_log(random);
    const PartialSet before = settle(records);
    std::uint64_t added = 0;
    const std::size_t count = records.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (!records[i].node.empty() || !kRange.contains(records[i].at)) continue;
      if (records[i].is_unread) continue;
      records.push_back(OwnedRecord(records[i]));
      ++added;
    }
    const PartialSet after = settle(records);
    REQUIRE(after.partials == before.partials);
    REQUIRE(after.input.duplicates == before.input.duplicates + added);
  }
}

TEST_CASE("lines that could not be read may come twice and are but more attempts") {
  Random random(17);
  for (int round = 0; round < 300; ++round) {
    auto records = awkward_log(random);
    const PartialSet before = settle(records);
    const std::size_t count = records.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (records[i].is_unread) records.push_back(OwnedRecord(records[i]));
    }
    CHECK(without_attempts(settle(records)) == without_attempts(before));
  }
}

TEST_CASE("with dedupe by records, duplicating any lines changes no partial") {
  Random random(15);
  for (int round = 0; round < 300; ++round) {
    auto records = awkward_log(random);
    const RunTableOptions options{kRange, "", Dedupe::records};
    const PartialSet before = settle(records, options);
    const std::uint64_t kept_before = in_range(records);
    const std::size_t count = records.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (random.chance(0.5) && !records[i].is_unread) {
        records.push_back(OwnedRecord(records[i]));
      }
    }
    test::shuffle(records, random);
    const PartialSet after = settle(records, options);
    REQUIRE(after.partials == before.partials);
    REQUIRE(after.input.duplicates == before.input.duplicates + in_range(records) - kept_before);
  }
}

}  // namespace dagloop
