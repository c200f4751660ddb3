#include "dagloop/kpi/run_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "awkward_log.hpp"
#include "dagloop/base/error.hpp"
#include "make_codes.hpp"
#include "make_record.hpp"

namespace dagloop {
namespace {

using test::at_minute;
using test::kRange;
using test::make_node_record;
using test::make_record;
using test::OwnedRecord;
using test::settle;

KpiPartial total(const PartialSet& set, Population population = Population::dag) {
  return set.sum(kRange, population);
}

// One run of each class.
std::array<std::uint64_t, kErrorClasses.size()> by_class(std::initializer_list<ErrorClass> of) {
  std::array<std::uint64_t, kErrorClasses.size()> counts{};
  for (const ErrorClass each : of) ++counts.at(static_cast<std::size_t>(each));
  return counts;
}

}  // namespace

TEST_CASE("every count of a partial is that of the runs the contract names") {
  auto good = make_record("good", 10);
  good.plan_source = "llm";
  good.duration_ms = 100;
  good.reuse = true;
  good.fanout_total = 10;
  auto timed_out = make_record("timed_out", 11, Status::failed);
  timed_out.plan_source = "llm";
  timed_out.error_code = "TOOL_TIMEOUT";
  timed_out.duration_ms = 300;
  timed_out.fallback = true;
  timed_out.compensation = CompensationStatus::completed;
  auto unverified = make_record("unverified", 12, Status::manual_required);
  unverified.error_code = "VERIFY_COUNT_MISMATCH";
  unverified.compensation = CompensationStatus::failed;
  auto reasoned = make_record("reasoned", 13, Status::cancelled);
  reasoned.verification = true;
  reasoned.compensation = CompensationStatus::manual_required;
  reasoned.fanout_total = 5;
  reasoned.fanout_failed = 2;
  auto coded_success = make_record("coded_success", 14);
  coded_success.error_code = "TOOL_TIMEOUT";
  coded_success.compensation = CompensationStatus::not_required;
  auto running = make_record("running", 14, Status::running);
  running.error_code = "503";
  running.plan_source = "rule";
  running.fallback = true;
  running.duration_ms = 7;

  KpiPartial expected;
  expected.total_runs = 5;
  expected.succeeded = 2;
  expected.in_flight = 1;
  expected.verification_failed = 2;
  expected.fallback = 1;
  expected.compensation_failed = 2;
  expected.compensation_total = 3;
  expected.manual_required = 2;
  expected.idempotent_reuse = 1;
  expected.cancelled_runs = 1;
  expected.succeeded_unaided = 2;
  expected.open_runs = {at_minute(14)};
  expected.fanout_failed = 2;
  expected.fanout_total = 15;
  test::set_codes(expected, {{"TOOL_TIMEOUT", 2}, {"VERIFY_COUNT_MISMATCH", 1}});
  expected.plan_sources["llm"] = {2, 1};
  expected.latency.add(100);
  expected.latency.add(300);
  StratumPartial& llm = expected.strata[{"", "llm"}];
  llm = {2, 1, 1, 1, 0, 0, by_class({ErrorClass::timeout}), {}, expected.latency};
  llm.latency.coarsen();
  expected.strata[{"", ""}] = {
      3, 1, 1, 0, 0, 0, by_class({ErrorClass::timeout, ErrorClass::verification}), {}, {}};
  expected.strata[{"", "rule"}].open_runs = {at_minute(14)};
  CHECK(total(settle({good, timed_out, unverified, reasoned, coded_success, running})) == expected);
}

TEST_CASE("the node records of a run with a run record count its attempts and nothing else") {
  auto retry = make_node_record("r1", "a", 11, Status::failed);
  retry.attempt = 2;
  retry.duration_ms = 40;
  retry.error_code = "503";
  retry.fallback = true;
  retry.fanout_total = 3;
  const auto skipped = make_node_record("r1", "b", 11, Status::skipped);
  const auto first = make_node_record("r1", "a", 10);
  KpiPartial expected;
  expected.total_runs = 1;
  expected.succeeded = 1;
  expected.succeeded_unaided = 1;
  NodePartial& a = expected.nodes["a"];
  a = {2, 1, 1, 0, 1, {}};
  a.latency.add(40);
  expected.strata[{}] = {1, 1, 1, 0, 2, 1, {}, {}, {}};
  CHECK(total(settle({retry, skipped, make_record("r1", 12), first})) == expected);
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

TEST_CASE("of two contradicting records of one instant the same one stands in either order") {
  const std::vector<void (*)(OwnedRecord&)> changes{
      [](OwnedRecord& r) { r.status = Status::cancelled; },
      [](OwnedRecord& r) { r.error_code = "503"; },
      [](OwnedRecord& r) { r.plan_source = "llm"; },
      [](OwnedRecord& r) { r.compensation = CompensationStatus::failed; },
      [](OwnedRecord& r) { r.population = Population::non_dag; },
      [](OwnedRecord& r) { r.cohort = Cohort::canary; },
      [](OwnedRecord& r) { r.verification = true; },
      [](OwnedRecord& r) { r.fallback = true; },
      [](OwnedRecord& r) { r.reuse = true; },
      [](OwnedRecord& r) { r.duration_ms = 5; },
      [](OwnedRecord& r) { r.fanout_total = 1; },
      [](OwnedRecord& r) { r.fanout_failed = 1; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    auto first = make_record("r1", 10, Status::failed);
    auto second = first;
    changes[i](second);
    CHECK(settle({first, second}) == settle({second, first}));
    first.node = second.node = "a";
    CHECK(settle({first, second}) == settle({second, first}));
  }
}

TEST_CASE("the records of thousands of runs find their runs again") {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 5000; ++i) records.push_back(make_record("r" + std::to_string(i), 10));
  for (int i = 0; i < 5000; ++i)
    records.push_back(OwnedRecord(records[static_cast<std::size_t>(i)]));
  const PartialSet set = settle(records);
  CHECK(total(set).total_runs == 5000);
  CHECK(set.input.duplicates == 5000);
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
  const KpiPartial judged = total(settle({broken, verdict}, {kRange, "evaluate", Dedupe::runs}));
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

TEST_CASE("a derived run is in flight while any node is, even where the outcome node is done") {
  const auto verdict = make_node_record("r1", "evaluate", 10);
  const auto running = make_node_record("r1", "b", 11, Status::running);
  const KpiPartial partial = total(settle({verdict, running}, {kRange, "evaluate", Dedupe::runs}));
  CHECK(partial.in_flight == 1);
  CHECK(partial.total_runs == 0);
}

TEST_CASE("a derived run's duration does not depend on the order of its records") {
  auto first = make_node_record("r1", "a", 10);
  first.duration_ms = 0.1;
  auto second = make_node_record("r1", "b", 11);
  second.at += Microseconds{7};
  auto third = make_node_record("r1", "c", 119);
  third.at += Microseconds{300'003};
  std::vector<OwnedRecord> records{first, second, third};
  const PartialSet before = settle(records);
  for (int i = 0; i < 3; ++i) {
    std::rotate(records.begin(), records.begin() + 1, records.end());
    CHECK(settle(records) == before);
  }
}

TEST_CASE("a derived run without any duration has none") {
  const KpiPartial partial =
      total(settle({make_node_record("r1", "a", 10), make_node_record("r1", "b", 15)}));
  CHECK(partial.total_runs == 1);
  CHECK(partial.latency.count() == 0);
}

TEST_CASE("the error of a derived run is that of its earliest failed last attempt that has one") {
  auto silent = make_node_record("r1", "a", 10, Status::failed);
  auto early = make_node_record("r1", "z", 11, Status::cancelled);
  early.error_code = "503";
  auto late = make_node_record("r1", "b", 12, Status::failed);
  late.error_code = "401";
  CHECK(total(settle({late, early, silent})).error_codes ==
        std::map<std::string, std::uint64_t>{{"503", 1}});
  early.at = late.at;  // a tie: the smaller node id
  CHECK(total(settle({early, late, silent})).error_codes ==
        std::map<std::string, std::uint64_t>{{"401", 1}});
}

TEST_CASE("a derived run takes its population and cohort from all of its records") {
  auto control = make_node_record("r1", "a", 10);
  control.population = Population::non_dag;
  control.cohort = Cohort::control;
  auto plain = make_node_record("r1", "b", 11);
  CHECK(settle({plain, control}).partials.begin()->first ==
        PartialKey{at_minute(10), Population::dag, Cohort::control});
  auto canary = make_node_record("r1", "c", 12);
  canary.cohort = Cohort::canary;
  CHECK(settle({canary, plain, control}).partials.begin()->first ==
        PartialKey{at_minute(10), Population::dag, Cohort::canary});
}

TEST_CASE("lines that differ in trailing space and carriage return alone are identical") {
  const auto node = make_node_record("r1", "a", 10);
  RunTable table({kRange, "", Dedupe::records});
  table.add(node.view(), "{}");
  table.add(node.view(), "{} \t\r");
  table.add(node.view(), " {}");
  const PartialSet set = table.finish();
  CHECK(total(set).nodes.at("a").attempts == 2);
  CHECK(set.input.duplicates == 1);
}

TEST_CASE("a run whose records come from several tables is one run") {
  const RunTableOptions options{kRange, "", Dedupe::records};
  std::vector<RunTable> tables;
  for (const char* node : {"a", "b", "a"}) {
    const auto record = make_node_record("r1", node, 10);
    tables.emplace_back(options).add(record.view(), record.line());
  }
  const PartialSet set = RunTable::finish(std::move(tables), 1);
  CHECK(total(set).total_runs == 1);
  CHECK(total(set).nodes.size() == 2);
  CHECK(set.input.duplicates == 1);
}

TEST_CASE("joining tables of different options, or finishing one twice, is a bug") {
  for (const RunTableOptions& other :
       {RunTableOptions{kRange, "", Dedupe::records},
        RunTableOptions{kRange, "evaluate", Dedupe::runs},
        RunTableOptions{{at_minute(0), at_minute(5)}, "", Dedupe::runs}}) {
    std::vector<RunTable> tables;
    tables.emplace_back(RunTableOptions{kRange, "", Dedupe::runs});
    tables.emplace_back(other);
    CHECK_THROWS_AS(RunTable::finish(std::move(tables), 1), Error);
  }
  RunTable table({kRange, "", Dedupe::runs});
  table.finish();
  CHECK_THROWS_AS(table.finish(), Error);
}

TEST_CASE("records outside the range are counted and kept nowhere") {
  const PartialSet set = settle({make_record("r1", -1), make_record("r2", 0),
                                 make_record("r3", 119), make_record("r4", 120)});
  CHECK(total(set).total_runs == 2);
  CHECK(set.input.out_of_range == 2);
  CHECK(set.input.records == 4);
  CHECK(set.input.newest_record == at_minute(119));
}

TEST_CASE("unread lines of a run that is over are attempts of it, unless they show no node") {
  OwnedRecord run = make_record("r1", 10);
  run.cohort = Cohort::control;
  OwnedRecord lost = make_node_record("r1", "a", 9);
  lost.is_unread = true;
  OwnedRecord early = make_record("r1", 8);
  early.is_unread = true;
  const PartialSet set = settle({run, lost, lost, early});
  CHECK(set.sum(kRange, Population::dag, Cohort::control).unread_attempts == 2);
  CHECK(total(set).unread_runs == 0);
  CHECK(set.input.newest_unread == at_minute(9));
  run.status = Status::running;
  CHECK(total(settle({run, lost, lost, early})).unread_runs == 1);
  CHECK(total(settle({run, lost, lost, early})).unread_attempts == 1);
}

TEST_CASE("a rejected line is a record and malformed, with its place") {
  RunTable table({kRange, "", Dedupe::runs});
  for (std::uint64_t line = 10; line > 0; --line) {
    UnreadLine unread;
    unread.reason = RejectReason::bad_time;
    table.reject("log", line, unread, "{}");
  }
  const InputCounts input = table.finish().input;
  CHECK(input.records == 10);
  CHECK(input.malformed_by_reason.at(RejectReason::bad_time) == 10);
  REQUIRE(input.examples.size() == InputCounts::kMaxExamples);
  CHECK(input.examples.front().line == 1);
}

}  // namespace dagloop
