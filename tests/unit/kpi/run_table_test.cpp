#include "dagloop/kpi/run_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "make_record.hpp"
#include "naive_reading.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

using test::at_minute;
using test::make_node_record;
using test::make_record;
using test::OwnedRecord;
using test::Random;

const Window kRange{at_minute(0), at_minute(120)};

PartialSet settle(const std::vector<OwnedRecord>& records, RunTableOptions options) {
  RunTable table(std::move(options));
  for (const OwnedRecord& record : records) table.add(record.view(), record.line());
  return table.finish(ErrorClasses());
}

PartialSet settle(const std::vector<OwnedRecord>& records) {
  return settle(records, {kRange, "", Dedupe::runs});
}

KpiPartial total(const PartialSet& set, Population population = Population::dag) {
  return set.sum(kRange, population);
}

template <typename Enum>
Enum any_of(Random& random, std::initializer_list<Enum> values) {
  return *(values.begin() + random.below(values.size()));
}

// Few runs, few nodes, few instants: ties, duplicates and contradictions are the rule.
OwnedRecord awkward_record(Random& random) {
  OwnedRecord record;
  record.run = "r" + std::to_string(random.below(12));
  record.is_request = random.chance(0.2);
  if (random.chance(0.6)) record.node = any_of<const char*>(random, {"a", "b", "evaluate"});
  record.status = any_of(random, {Status::succeeded, Status::succeeded, Status::failed,
                                  Status::manual_required, Status::cancelled, Status::skipped,
                                  Status::running, Status::pending, Status::compensating});
  record.error_code = any_of<const char*>(
      random, {"", "", "TOOL_TIMEOUT", "VERIFY_COUNT_MISMATCH", "503", "odd"});
  record.plan_source = any_of<const char*>(random, {"", "llm", "rule"});
  record.compensation =
      any_of(random, {CompensationStatus::none, CompensationStatus::not_required,
                      CompensationStatus::completed, CompensationStatus::failed,
                      CompensationStatus::manual_required});
  record.population = random.chance(0.7) ? Population::dag : Population::non_dag;
  record.cohort = any_of(random, {Cohort::none, Cohort::canary, Cohort::control});
  record.verification = random.chance(0.2);
  record.fallback = random.chance(0.2);
  record.reuse = random.chance(0.2);
  record.attempt = 1 + static_cast<std::uint32_t>(random.below(3));
  record.at = at_minute(static_cast<int>(random.below(140)) - 10);
  if (random.chance(0.8)) record.duration_ms = static_cast<double>(random.below(500'000));
  record.fanout_total = random.below(5);
  record.fanout_failed = random.below(3);
  return record;
}

std::vector<OwnedRecord> awkward_log(Random& random) {
  std::vector<OwnedRecord> records;
  const std::size_t count = random.below(60);
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(awkward_record(random));
    if (random.chance(0.1)) records.push_back(records[random.below(records.size())]);
  }
  return records;
}

void shuffle(std::vector<OwnedRecord>& records, Random& random) {
  for (std::size_t i = records.size(); i > 1; --i) {
    std::swap(records[i - 1], records[random.below(i)]);
  }
}

}  // namespace

TEST_CASE("the partials of thousands of awkward logs equal an independent reading") {
  Random random(11);
  for (int round = 0; round < 3000; ++round) {
    const auto records = awkward_log(random);
    const std::string outcome_node = round % 2 == 0 ? "" : "evaluate";
    const auto found = settle(records, {kRange, outcome_node, Dedupe::runs}).partials;
    const auto expected = test::NaiveReading(records, kRange, outcome_node).partials();
    CAPTURE(round);
    REQUIRE(found == expected);
  }
}

TEST_CASE("shuffling the records changes nothing") {
  Random random(12);
  for (int round = 0; round < 500; ++round) {
    auto records = awkward_log(random);
    const PartialSet before = settle(records);
    shuffle(records, random);
    REQUIRE(settle(records) == before);
  }
}

TEST_CASE("splitting the records over any number of tables changes nothing") {
  Random random(13);
  for (int round = 0; round < 500; ++round) {
    const auto records = awkward_log(random);
    const RunTableOptions options{kRange, "evaluate", Dedupe::runs};
    std::vector<RunTable> tables;
    for (std::uint64_t i = 0; i < 1 + random.below(5); ++i) tables.emplace_back(options);
    for (const OwnedRecord& record : records) {
      tables[random.below(tables.size())].add(record.view(), record.line());
    }
    while (tables.size() > 1) {
      const std::size_t into = random.below(tables.size() - 1);
      tables[into].merge(std::move(tables.back()));
      tables.pop_back();
    }
    REQUIRE(tables.front().finish(ErrorClasses()) == settle(records, options));
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
      records.push_back(records[i]);
      ++added;
    }
    const PartialSet after = settle(records);
    REQUIRE(after.partials == before.partials);
    REQUIRE(after.input.duplicates == before.input.duplicates + added);
  }
}

TEST_CASE("with dedupe by records, duplicating any lines changes no partial") {
  Random random(15);
  for (int round = 0; round < 300; ++round) {
    auto records = awkward_log(random);
    const RunTableOptions options{kRange, "", Dedupe::records};
    const PartialSet before = settle(records, options);
    const std::size_t count = records.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (random.chance(0.5)) records.push_back(records[i]);
    }
    shuffle(records, random);
    REQUIRE(settle(records, options).partials == before.partials);
  }
}

TEST_CASE("without dedupe by records, a node record counts each time it comes") {
  const auto node = make_node_record("r1", "a", 10, Status::failed);
  CHECK(total(settle({node, node})).nodes.at("a").attempts == 2);
  CHECK(total(settle({node, node}, {kRange, "", Dedupe::records})).nodes.at("a").attempts == 1);
}

TEST_CASE("the later of two run records stands, however they come") {
  const auto early = make_record("r1", 10, Status::failed);
  const auto late = make_record("r1", 20, Status::succeeded);
  for (const auto& records : {std::vector{early, late}, std::vector{late, early}}) {
    const PartialSet set = settle(records);
    CHECK(total(set).total_runs == 1);
    CHECK(total(set).succeeded == 1);
    CHECK(set.input.duplicates == 1);
  }
}

TEST_CASE("on a tie of time a final status stands over a non-final one") {
  const auto running = make_record("r1", 10, Status::running);
  const auto failed = make_record("r1", 10, Status::failed);
  CHECK(total(settle({failed, running})).total_runs == 1);
  CHECK(total(settle({running, failed})).in_flight == 0);
}

TEST_CASE("a request id and a pipeline run id of the same text are two runs") {
  auto by_request = make_record("same", 10);
  by_request.is_request = true;
  CHECK(total(settle({make_record("same", 10), by_request})).total_runs == 2);
}

TEST_CASE("a run with node records only is derived from their last attempts") {
  auto first = make_node_record("r1", "a", 10, Status::failed);
  first.error_code = "TOOL_TIMEOUT";
  first.duration_ms = 60'000;
  auto second = make_node_record("r1", "a", 12);
  second.attempt = 2;
  second.duration_ms = 30'000;
  const KpiPartial partial = total(settle({second, first}));
  CHECK(partial.derived_runs == 1);
  CHECK(partial.succeeded == 1);
  CHECK(partial.error_codes.empty());
  CHECK(partial.latency.quantile(1) == 180'000);  // from minute 9 to minute 12
  CHECK(partial.nodes.at("a").retries_succeeded == 1);
}

TEST_CASE("a derived run whose outcome node failed has failed, whatever the others did") {
  auto broken = make_node_record("r1", "tool", 10, Status::failed);
  broken.error_code = "503";
  const auto verdict = make_node_record("r1", "evaluate", 12);
  CHECK(total(settle({broken, verdict})).succeeded == 0);
  const KpiPartial judged =
      total(settle({broken, verdict}, {kRange, "evaluate", Dedupe::runs}));
  CHECK(judged.succeeded == 1);
  CHECK(judged.error_codes.empty());
}

TEST_CASE("a derived run is in flight while the last attempt of a node has no final status") {
  const auto done = make_node_record("r1", "a", 10);
  const auto running = make_node_record("r1", "b", 11, Status::running);
  const KpiPartial partial = total(settle({done, running}));
  CHECK(partial.in_flight == 1);
  CHECK(partial.total_runs == 0);
  CHECK(partial.nodes.empty());
}

TEST_CASE("records outside the range are counted and kept nowhere") {
  const PartialSet set = settle({make_record("r1", -1), make_record("r2", 0), make_record("r3", 119),
                                 make_record("r4", 120)});
  CHECK(total(set).total_runs == 2);
  CHECK(set.input.out_of_range == 2);
  CHECK(set.input.records == 4);
  CHECK(set.input.newest_record == at_minute(119));
}

TEST_CASE("a rejected line is a record and malformed, with its place") {
  RunTable table({kRange, "", Dedupe::runs});
  for (std::uint64_t line = 10; line > 0; --line) {
    table.reject("log", line, RejectReason::bad_time);
  }
  const InputCounts input = table.finish(ErrorClasses()).input;
  CHECK(input.records == 10);
  CHECK(input.malformed_by_reason.at(RejectReason::bad_time) == 10);
  REQUIRE(input.examples.size() == InputCounts::kMaxExamples);
  CHECK(input.examples.front().line == 1);
}

}  // namespace dagloop
