#include "source/partial_rows.hpp"

#include <bit>
#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

const TimePoint kSlot = *parse_time("2026-02-25T00:00:00Z");

PartialRow row(RowKind kind, std::array<std::int64_t, 12> n, std::string name = "") {
  return {kind, kSlot, Population::dag, Cohort::canary, std::move(name), n};
}

KpiPartial partial_of(const std::vector<PartialRow>& rows) {
  PartialRows all;
  for (const PartialRow& each : rows) all.add(each);
  const PartialSet set = all.finish();
  REQUIRE(set.partials.size() == 1);
  CHECK(set.partials.begin()->first == PartialKey{kSlot, Population::dag, Cohort::canary});
  return set.partials.begin()->second;
}

}  // namespace

TEST_CASE("each count of a run row goes to the field of its place") {
  const KpiPartial partial =
      partial_of({row(RowKind::run, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})});
  CHECK(partial.total_runs == 1);
  CHECK(partial.succeeded == 2);
  CHECK(partial.in_flight == 3);
  CHECK(partial.derived_runs == 4);
  CHECK(partial.verification_failed == 5);
  CHECK(partial.fallback == 6);
  CHECK(partial.compensation_failed == 7);
  CHECK(partial.compensation_total == 8);
  CHECK(partial.manual_required == 9);
  CHECK(partial.idempotent_reuse == 10);
  CHECK(partial.fanout_failed == 11);
  CHECK(partial.fanout_total == 12);
}

TEST_CASE("rows of codes, plan sources and nodes are summed by name") {
  const KpiPartial partial = partial_of(
      {row(RowKind::error_code, {2}, "E1"), row(RowKind::error_code, {3}, "E1"),
       row(RowKind::plan_source, {4, 3}, "llm"), row(RowKind::node, {9, 4, 3, 2, 5}, "n1")});
  CHECK(partial.error_codes.at("E1") == 5);
  CHECK(partial.plan_sources.at("llm") == PlanSourcePartial{4, 3});
  const NodePartial& node = partial.nodes.at("n1");
  CHECK(node.attempts == 9);
  CHECK(node.failed_attempts == 4);
  CHECK(node.retries == 3);
  CHECK(node.retries_succeeded == 2);
  CHECK(node.run_node_pairs == 5);
}

TEST_CASE("durations one by one give the histogram of adding them") {
  DurationHistogram expected;
  expected.add(1.5);
  expected.add(1.5);
  expected.add(0);
  const KpiPartial partial =
      partial_of({row(RowKind::duration, {std::bit_cast<std::int64_t>(1.5), 2}),
                  row(RowKind::duration, {0, 1}),
                  row(RowKind::node_duration, {std::bit_cast<std::int64_t>(7.0), 1}, "n1")});
  CHECK(partial.latency == expected);
  CHECK(partial.nodes.at("n1").latency.quantile(1) == 7.0);
}

TEST_CASE("many durations in buckets give the histogram of adding them") {
  DurationHistogram expected;
  std::map<std::int32_t, std::int64_t> counts;
  for (int i = 0; i < 5000; ++i) {
    expected.add(i * 0.7);
    ++counts[DurationHistogram::bucket_of(i * 0.7)];
  }
  std::vector<PartialRow> rows;
  for (const auto& [bucket, count] : counts) {
    rows.push_back(row(RowKind::latency, {bucket, count}));
    rows.push_back(row(RowKind::node_latency, {bucket, count}, "n1"));
  }
  const KpiPartial partial = partial_of(rows);
  CHECK(partial.latency == expected);
  CHECK(partial.nodes.at("n1").latency == expected);
}

TEST_CASE("input and reject rows are summed, the newest record stands") {
  PartialRows all;
  all.add(row(RowKind::input, {5, 3, 2, 1, 1000}));
  all.add(row(RowKind::input, {5, 3, 2, 1, -1}));
  all.add(row(RowKind::reject, {4}, "bad_number"));
  const InputCounts input = all.finish().input;
  CHECK(input.records == 10);
  CHECK(input.run_records == 6);
  CHECK(input.node_records == 4);
  CHECK(input.duplicates == 2);
  CHECK(input.newest_record == TimePoint{Microseconds{1000}});
  CHECK(input.malformed == 4);
  CHECK(input.malformed_by_reason.at(RejectReason::bad_number) == 4);
}

TEST_CASE("an answer that cannot be is refused, not counted") {
  CHECK_THROWS_AS(parse_row_kind("nonsense"), Error);
  CHECK(parse_row_kind("node_latency") == RowKind::node_latency);
  PartialRows all;
  CHECK_THROWS_WITH(all.add(row(RowKind::error_code, {-1}, "E1")), Catch::Contains("negative"));
  CHECK_THROWS_AS(all.add(row(RowKind::reject, {1}, "bad_weather")), Error);
  CHECK_THROWS_AS(all.add(row(RowKind::duration, {std::bit_cast<std::int64_t>(-1.0), 1})), Error);
  CHECK_THROWS_AS(all.add(row(RowKind::duration, {0, 5000})), Error);
  all.add(row(RowKind::latency, {1000, 10}));
  CHECK_THROWS_WITH(all.finish(), Catch::Contains("few durations"));
}

}  // namespace dagloop
