// What the digits of a packed group mean together: where its rows count, or why they do not.
#include "source/packed_runs.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

const TimePoint kFirstSlot = *parse_time("2026-02-25T00:00:00Z");

LogQuery day_query() {
  const TimePoint end = kFirstSlot + std::chrono::hours(24);
  return {{kFirstSlot, end}, end, {kFirstSlot + std::chrono::hours(12)}};
}

std::int64_t kind_of(std::int64_t status, std::int64_t time) {
  return status << packed::kStatus | time << packed::kTime;
}

PartialSet counted(const std::vector<PackedRuns>& groups) {
  RowSums sums;
  for (const PackedRuns& group : groups) {
    add_packed(group, PackedUse::rows, day_query(),
               [&](const PartialRow& row) { sums.add(row, day_query()); });
  }
  return sums.partials(day_query(), ErrorClasses());
}

PackedRuns group_of(std::int64_t kind) {
  PackedRuns group;
  group.kind = kind;
  group.runs = 7;
  group.newest_us = 5;
  return group;
}

RejectReason reason_for(std::int64_t kind) {
  const PartialSet set = counted({group_of(kind)});
  REQUIRE(set.partials.empty());
  REQUIRE(set.input.malformed == 7);
  REQUIRE(set.input.records == 7);
  REQUIRE_FALSE(set.input.newest_record);
  return set.input.malformed_by_reason.begin()->first;
}

constexpr std::int64_t kGood = packed::kFirstSpan;

}  // namespace

TEST_CASE("a packed group counts as its digits say") {
  PackedRuns group = group_of(kind_of(3, kGood + 1) | std::int64_t{2} << packed::kCohort |
                              std::int64_t{3} << packed::kCompensation |
                              std::int64_t{1} << packed::kPopulation | (1000 + 1));
  group.plan_source = "llm";
  group.error_code = "503";
  group.unverified = 1;
  group.fallback = 2;
  group.reused = 3;
  group.fanout_failed = 4;
  group.fanout_total = 40;
  const PartialSet set = counted({group});
  REQUIRE(set.partials.size() == 1);
  const auto& [key, partial] = *set.partials.begin();
  CHECK(key ==
        PartialKey{kFirstSlot + std::chrono::hours(12), Population::non_dag, Cohort::control});
  CHECK(partial.total_runs == 7);
  CHECK(partial.succeeded == 0);
  CHECK(partial.manual_required == 7);
  CHECK(partial.compensation_failed == 7);
  CHECK(partial.compensation_total == 7);
  CHECK(partial.verification_failed == 1);
  CHECK(partial.fallback == 2);
  CHECK(partial.idempotent_reuse == 3);
  CHECK(partial.fanout_failed == 4);
  CHECK(partial.fanout_total == 40);
  CHECK(partial.error_codes.at("503") == 7);
  CHECK(partial.plan_sources.at("llm") == PlanSourcePartial{7, 0});
  CHECK(partial.latency == DurationHistogram(std::map<std::int32_t, std::uint64_t>{{1000, 7}}));
  CHECK(set.input.run_records == 7);
  CHECK(set.input.newest_record == TimePoint{Microseconds{5}});
}

TEST_CASE("packed runs without a duration, or in flight, have none in the histogram") {
  const PartialSet set =
      counted({group_of(kind_of(1, kGood)), group_of(kind_of(6, kGood) | (1000 + 1))});
  const KpiPartial& partial = set.partials.begin()->second;
  CHECK(partial.total_runs == 7);
  CHECK(partial.succeeded == 7);
  CHECK(partial.in_flight == 7);
  CHECK(partial.latency.count() == 0);
}

TEST_CASE("packed node records are input, not runs") {
  const PartialSet set = counted({group_of(kind_of(1, kGood) | std::int64_t{1} << packed::kNode)});
  CHECK(set.partials.empty());
  CHECK(set.input.node_records == 7);
  CHECK(set.input.run_records == 0);
}

TEST_CASE("packed rows are rejected for the reason that a file's record would be") {
  const std::int64_t good = kind_of(1, kGood);
  const std::int64_t number = std::int64_t{1} << packed::kBadNumber;
  CHECK(reason_for(kind_of(0, 0) | packed::kNotFinite) == RejectReason::wrong_type);
  for (const double fault : {std::numeric_limits<double>::quiet_NaN(), -HUGE_VAL, HUGE_VAL}) {
    const auto bits = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(fault) >> 45);
    CHECK(reason_for(kind_of(0, 0) | (bits + 1)) == RejectReason::wrong_type);
  }
  const auto negative = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(-0.5) >> 45);
  CHECK(reason_for(good | (negative + 1)) == RejectReason::bad_number);
  CHECK(reason_for(kind_of(0, 0)) == RejectReason::missing_created_at);
  CHECK(reason_for(kind_of(0, kGood) | number) == RejectReason::missing_status);
  CHECK(reason_for(kind_of(packed::kUnknownStatus, kGood) | std::int64_t{1} << packed::kNoKey) ==
        RejectReason::missing_run_id);
  CHECK(reason_for(kind_of(packed::kUnknownStatus, kGood) | number) ==
        RejectReason::unknown_status);
  CHECK(reason_for(good | packed::kUnknownCohort << packed::kCohort | number) ==
        RejectReason::unknown_value);
  CHECK(reason_for(good | packed::kUnknownCompensation << packed::kCompensation) ==
        RejectReason::unknown_value);
  CHECK(reason_for(kind_of(1, packed::kBadTime) | number) == RejectReason::bad_time);
  CHECK(reason_for(kind_of(1, packed::kFutureTime) | number) == RejectReason::bad_number);
  CHECK(reason_for(good | packed::kNegative) == RejectReason::bad_number);
  CHECK(reason_for(kind_of(1, packed::kFutureTime)) == RejectReason::future_time);
  CHECK(reason_for(good | number | std::int64_t{1} << packed::kNode) == RejectReason::bad_number);
}

TEST_CASE("packed runs that are lost are taken back, and derived ones are counted apart") {
  RowSums sums;
  const auto add = [&](const char* word, std::int64_t kind, std::int64_t runs) {
    AnswerRow answer;
    answer.word = word;
    answer.number = kind;
    answer.name = "llm";
    answer.n = {runs, 1, 1, 1, 4, 40, 5};
    add_answer(answer, day_query(), [&](const PartialRow& row) { sums.add(row, day_query()); });
  };
  const std::int64_t manual = std::int64_t{1} << packed::kManual;
  add("packed", kind_of(1, kGood) | 1001, 7);
  add("packed", kind_of(6, kGood), 2);
  add("lost", kind_of(1, kGood) | 1001, 3);
  add("lost", kind_of(6, kGood), 1);
  add("derived", kind_of(1, kGood) | manual, 5);
  add("derived", kind_of(6, kGood), 4);
  const PartialSet set = sums.partials(day_query(), ErrorClasses());
  const KpiPartial& partial = set.partials.begin()->second;
  CHECK(partial.total_runs == 9);
  CHECK(partial.succeeded == 9);
  CHECK(partial.derived_runs == 5);
  CHECK(partial.in_flight == 5);
  CHECK(partial.manual_required == 5);
  CHECK(partial.fallback == 1);
  CHECK(partial.fanout_total == 40);
  CHECK(partial.plan_sources.at("llm") == PlanSourcePartial{9, 9});
  CHECK(partial.latency.count() == 4);
  CHECK(set.input.run_records == 9);
  CHECK(set.input.duplicates == 4);
  CHECK(set.input.newest_record == TimePoint{Microseconds{5}});
}

TEST_CASE("the largest duration is a bucket, not a fault") {
  const std::int32_t largest = DurationHistogram::bucket_of(1.7976931348623157e308);
  CHECK(largest + 1 < packed::kNotFinite);
  const PartialSet set = counted({group_of(kind_of(1, kGood) | (largest + 1))});
  CHECK(set.partials.begin()->second.latency.count() == 7);
}

TEST_CASE("a packed group that means nothing is refused") {
  CHECK_THROWS_AS(counted({group_of(-1)}), Error);
}

}  // namespace dagloop
