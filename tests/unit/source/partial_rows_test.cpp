#include "source/partial_rows.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

const TimePoint kSlotOfRows = *parse_time("2026-02-25T00:00:00Z");
const ErrorClasses kClasses;

struct Names {
  std::string name;
  std::string error_code;
  std::optional<std::int32_t> bucket;
};

PartialRow row(RowKind kind, RowCounts n, Names names = {}) {
  PartialRow out;
  out.kind = kind;
  out.slot = kSlotOfRows;
  out.cohort = Cohort::canary;
  out.name = names.name;
  if (!names.error_code.empty()) out.code = kClasses.label(names.error_code);
  out.bucket = names.bucket;
  out.n = n;
  return out;
}

PartialSet set_of(const std::vector<PartialRow>& rows) {
  RowSums sums;
  for (const PartialRow& each : rows) sums.add(each, {});
  return sums.partials({});
}

KpiPartial partial_of(const std::vector<PartialRow>& rows) {
  const PartialSet set = set_of(rows);
  REQUIRE(set.partials.size() == 1);
  CHECK(set.partials.begin()->first == PartialKey{kSlotOfRows, Population::dag, Cohort::canary});
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
  const KpiPartial partial =
      partial_of({row(RowKind::run, {2, 0, 0, 0, 1}, {"llm", "E1", {}}),
                  row(RowKind::run, {3, 1}, {"llm", "VERIFY_X", {}}), row(RowKind::run, {9, 9}),
                  row(RowKind::node, {9, 4, 3, 2, 0}, {"n1", "", {}}),
                  row(RowKind::node, {0, 0, 0, 0, 5}, {"n1", "", {}})});
  CHECK(partial.total_runs == 14);
  CHECK(partial.verification_failed == 4);  // one by its reason, three by their code
  CHECK(partial.error_codes == std::map<std::string, std::uint64_t>{{"E1", 2}, {"VERIFY_X", 3}});
  CHECK(partial.plan_sources.size() == 1);
  CHECK(partial.plan_sources.at("llm") == PlanSourcePartial{5, 1});
  const NodePartial& node = partial.nodes.at("n1");
  CHECK(node.attempts == 9);
  CHECK(node.failed_attempts == 4);
  CHECK(node.retries == 3);
  CHECK(node.retries_succeeded == 2);
  CHECK(node.run_node_pairs == 5);
}

TEST_CASE(
    "runs that are over or open, and attempts, are of the stratum of their pipeline and source") {
  PartialRow over = row(RowKind::run, {5, 3}, {"llm", "503", 7});
  over.pipeline = "etl";
  over.n[place_of(&KpiPartial::succeeded_unaided)] = 2;
  over.n[place_of(&KpiPartial::fallback)] = 1;
  PartialRow open = row(RowKind::run, {}, {"llm", "", {}});
  open.pipeline = "etl";
  open.n[place_of(&KpiPartial::in_flight)] = 2;
  open.open_us = kSlotOfRows.time_since_epoch().count();
  PartialRow attempts = row(RowKind::node, {9, 4, 1, 1, 5}, {"fetch", "llm", 7});
  attempts.pipeline = "etl";
  PartialRow others = row(RowKind::run, {8, 8}, {"rule", "", {}});
  PartialRow skipped = row(RowKind::run, {});
  skipped.n[place_of(&KpiPartial::skipped_runs)] = 3;
  const KpiPartial partial = partial_of({over, open, attempts, others, skipped});
  REQUIRE(partial.strata.size() == 2);
  const StratumPartial& llm = partial.strata.at({"etl", "llm"});
  CHECK(llm.total_runs == 5);
  CHECK(llm.succeeded == 3);
  CHECK(llm.succeeded_unaided == 2);
  CHECK(llm.fallback == 1);
  CHECK(llm.attempts == 9);
  CHECK(llm.failed_attempts == 4);
  CHECK(llm.error_classes.at(static_cast<std::size_t>(ErrorClass::server)) == 5);
  CHECK(llm.open_runs == std::vector<TimePoint>(2, kSlotOfRows));
  CHECK(llm.latency.count() == 5);
  CHECK(partial.strata.at({"", "rule"}).total_runs == 8);
  open.population = over.population = Population::non_dag;
  const PartialSet set = set_of({over, open});
  CHECK(set.partials.begin()->second.strata.empty());
}

TEST_CASE("durations in buckets give the histogram of adding them") {
  DurationHistogram expected;
  std::vector<PartialRow> rows;
  for (int i = 0; i < 5000; ++i) {
    const double duration_ms = i * 0.7;
    expected.add(duration_ms);
    const std::int32_t bucket = DurationHistogram::bucket_of(duration_ms);
    rows.push_back(row(RowKind::run, {1}, {"", "", bucket}));
    rows.push_back(row(RowKind::node, {1}, {"n1", "", bucket}));
  }
  const KpiPartial partial = partial_of(rows);
  CHECK(partial.latency == expected);
  CHECK(partial.nodes.at("n1").latency == expected);
}

TEST_CASE("negative counts take back what a duplicate had counted") {
  const KpiPartial partial = partial_of({row(RowKind::run, {-1, 0, 0, 0, 0, -1}, {"rule", "E1", 5}),
                                         row(RowKind::run, {1, 0, 0, 0, 0, 1}, {"rule", "E1", 5}),
                                         row(RowKind::run, {1, 1}, {"llm", "", 7})});
  CHECK(partial == partial_of({row(RowKind::run, {1, 1}, {"llm", "", 7})}));
}

TEST_CASE("what takes back a success alone keeps its name") {
  const KpiPartial partial = partial_of(
      {row(RowKind::run, {2, 2}, {"llm", "", 7}), row(RowKind::run, {0, -1}, {"llm", "", 7})});
  CHECK(partial.succeeded == 1);
  CHECK(partial.plan_sources.at("llm") == PlanSourcePartial{2, 1});
}

TEST_CASE("input and reject rows are summed, the newest record stands") {
  const InputCounts input =
      set_of({row(RowKind::input, {3, 2, 1, 1000}), row(RowKind::input, {3, 2, 1, -1}),
              row(RowKind::reject, {4, static_cast<std::int64_t>(RejectReason::bad_number), 2000}),
              row(RowKind::shard, {})})
          .input;
  CHECK(input.records == 14);
  CHECK(input.run_records == 6);
  CHECK(input.node_records == 4);
  CHECK(input.duplicates == 2);
  CHECK(input.newest_record == TimePoint{Microseconds{1000}});
  CHECK(input.newest_unread == TimePoint{Microseconds{2000}});
  CHECK(input.malformed == 4);
  CHECK(input.malformed_by_reason.at(RejectReason::bad_number) == 4);
}

TEST_CASE("an answer that cannot be is refused, not counted") {
  CHECK_THROWS_AS(parse_row_kind("nonsense"), Error);
  CHECK(parse_row_kind("node") == RowKind::node);
  CHECK_THROWS_WITH(set_of({row(RowKind::run, {-1})}), Catch::Contains("negative"));
  CHECK_THROWS_AS(set_of({row(RowKind::run, {0}, {"", "E1", {}}), row(RowKind::run, {-1, 0})}),
                  Error);
  CHECK_THROWS_AS(set_of({row(RowKind::node, {-1}, {"n1", "", {}})}), Error);
  CHECK_THROWS_AS(set_of({row(RowKind::run, {1}, {"", "", -5})}), Error);
  CHECK_THROWS_AS(set_of({row(RowKind::reject, {1, 77})}), Error);
  CHECK_THROWS_AS(set_of({row(RowKind::input, {-1, 0, 0, -1})}), Error);
}

}  // namespace dagloop
