// What the digits of a packed group mean together: where its rows count, or why they do not.
#include "source/packed_runs.hpp"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"
#include "source/told_ages.hpp"

namespace dagloop {
namespace {

const TimePoint kFirstSlot = *parse_time("2026-02-25T00:00:00Z");

LogQuery day_query() {
  const TimePoint end = kFirstSlot + std::chrono::hours(24);
  return {{kFirstSlot, end}, end, {kFirstSlot + std::chrono::hours(12)}};
}

const Mapping kMapping;
const CountingRules kRules;
const ErrorClasses kPackedClasses;

PartialSet counted_with(const std::vector<PackedRuns>& groups, const CountingRules& rules) {
  RowSums sums;
  const LogQuery query = day_query();
  for (const PackedRuns& group : groups) {
    add_packed(group, PackedUse::rows, {kMapping, rules, query, kPackedClasses},
               [&](const PartialRow& row) { sums.add(row, query); });
  }
  return sums.partials(query);
}

std::int64_t kind_of(std::int64_t status, std::int64_t time) {
  return status << packed::kStatus | time << packed::kTime;
}

PartialSet counted(const std::vector<PackedRuns>& groups) { return counted_with(groups, kRules); }

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

TEST_CASE("packed runs whose decisive fields cannot be read count against a change") {
  PackedRuns text = group_of(kind_of(1, kGood));  // a duration of text: "9 s"
  text.mended = field_bits(Field::duration_ms);
  PackedRuns blue = group_of(kind_of(6, kGood) | packed::kMendedCohort << packed::kCohort |
                             packed::kMendedCompensation << packed::kCompensation);
  PackedRuns mended = group_of(kind_of(2, kGood) | packed::kNegative |
                               (packed::kMendedCohort | 1) << packed::kCohort |
                               (packed::kMendedCompensation | 2) << packed::kCompensation);
  const PartialSet set = counted({text, blue, mended});
  const KpiPartial dag = set.sum({kFirstSlot, kFirstSlot + kSlot}, Population::dag);
  CHECK(dag.unread_durations == 14);
  CHECK(dag.unread_compensations == 0);
  CHECK(dag.unread_runs == 7);  // the blue ones, which are in flight
  CHECK(dag.in_flight == 7);
}

TEST_CASE("packed runs have the age that their digit says, but for those in flight") {
  for (std::int64_t age = 0; age <= AgeClass::kLast; ++age) {
    const std::int64_t digit = age << packed::kAge;
    const PartialSet set =
        counted({group_of(kind_of(1, kGood) | digit), group_of(kind_of(6, kGood) | digit)});
    const AgeClass over(static_cast<std::uint8_t>(age));
    CHECK(set.partials.at({kFirstSlot, Population::dag, Cohort::none, over}).total_runs == 7);
    CHECK(set.partials.at({kFirstSlot, Population::dag, Cohort::none}).in_flight == 7);
  }
}

TEST_CASE("ages are told by the least slots of their classes") {
  const auto limits = age_limits();
  for (std::int64_t slots = 0; slots < 10'000; ++slots) {
    const auto number = std::ranges::upper_bound(limits, slots) - limits.begin();
    const double duration_ms = static_cast<double>(slots) * 300'000;
    CHECK(AgeClass::of(kFirstSlot, duration_ms).number() == number);
  }
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
  const std::int64_t no_key = std::int64_t{1} << packed::kNoKey;
  CHECK(reason_for(kind_of(0, 0)) == RejectReason::missing_created_at);
  CHECK(reason_for(kind_of(0, kGood)) == RejectReason::missing_status);
  CHECK(reason_for(kind_of(packed::kUnknownStatus, kGood) | no_key) ==
        RejectReason::missing_run_id);
  CHECK(reason_for(kind_of(packed::kUnknownStatus, kGood)) == RejectReason::unknown_status);
  CHECK(reason_for(kind_of(1, packed::kBadTime)) == RejectReason::bad_time);
  CHECK(reason_for(kind_of(1, packed::kFutureTime)) == RejectReason::future_time);
}

TEST_CASE("what is odd in a packed row is mended, and no reason against it") {
  const std::int64_t good = kind_of(1, kGood);
  PackedRuns mended = group_of(good | packed::kMendedCohort << packed::kCohort |
                               packed::kMendedCompensation << packed::kCompensation);
  mended.mended = field_bits(Field::attempt, Field::user_id);
  PartialSet set = counted({mended});
  CHECK(set.input.malformed == 0);
  CHECK(set.partials.begin()->first.cohort == Cohort::none);
  CHECK(set.input.mended_by_field == std::map<Field, std::uint64_t>{{Field::user_id, 7},
                                                                    {Field::attempt, 7},
                                                                    {Field::compensation_status, 7},
                                                                    {Field::cohort, 7}});
  for (const auto& [duration, times] : std::vector<std::pair<double, std::uint64_t>>{
           {-0.5, 7},
           {-HUGE_VAL, 0},
           {HUGE_VAL, 0},
           {std::numeric_limits<double>::quiet_NaN(), 0}}) {
    const auto bits = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(duration) >> 45);
    set = counted({group_of(good | (bits + 1))});
    CHECK(set.input.mended_by_field[Field::duration_ms] == times);
    CHECK(set.partials.begin()->second.total_runs == 7);
    CHECK(set.partials.begin()->second.latency.count() == 0);
  }
}

TEST_CASE("packed rows are lines of the window, by cohort, the malformed ones too") {
  const std::int64_t canary = std::int64_t{1} << packed::kCohort;
  const PartialSet set =
      counted({group_of(kind_of(1, kGood) | canary), group_of(kind_of(0, kGood) | canary),
               group_of(kind_of(1, packed::kFutureTime)), group_of(kind_of(1, packed::kAside))});
  CHECK(set.input.window.all == LineShare{21, 14});
  CHECK(set.input.window.canary == LineShare{14, 7});
  CHECK(set.input.window.control == LineShare{0, 0});
  CHECK(set.input.set_aside == 7);
  CHECK(set.input.out_of_range == 7);
  CHECK(set.partials.begin()->second.total_runs == 7);
}

TEST_CASE("packed runs that timed out have that code where they have no other") {
  PackedRuns coded = group_of(kind_of(packed::kTimedOut, kGood));
  coded.error_code = "503";
  const PartialSet set = counted({coded, group_of(kind_of(packed::kTimedOut, kGood))});
  const KpiPartial& partial = set.partials.begin()->second;
  CHECK(partial.total_runs == 14);
  CHECK(partial.error_codes == std::map<std::string, std::uint64_t>{{"503", 7}, {"timeout", 7}});
}

TEST_CASE("packed runs that were skipped are outside the rates, and cancelled ones may be") {
  const std::vector<PackedRuns> groups{
      group_of(kind_of(packed::digit_of(Status::skipped), kGood)),
      group_of(kind_of(packed::digit_of(Status::cancelled), kGood))};
  KpiPartial partial = counted(groups).partials.begin()->second;
  CHECK(partial.skipped_runs == 7);
  CHECK(partial.cancelled_runs == 7);
  CHECK(partial.total_runs == 7);
  CountingRules rules;
  rules.cancelled = Cancelled::excluded;
  partial = counted_with(groups, rules).partials.begin()->second;
  CHECK(partial.cancelled_runs == 7);
  CHECK(partial.total_runs == 0);
}

TEST_CASE("packed runs are counted by pipeline, and of those that are selected alone") {
  PackedRuns daily = group_of(kind_of(1, kGood));
  daily.pipeline = "daily";
  daily.fallback = 2;
  daily.tokens = 100;
  daily.with_tokens = 5;
  const PackedRuns other = group_of(kind_of(1, kGood));
  KpiPartial partial = counted({daily, other}).partials.begin()->second;
  CHECK(partial.total_runs == 14);
  CHECK(partial.succeeded_unaided == 12);
  CHECK(partial.tokens == 100);
  CHECK(partial.runs_with_tokens == 5);
  CHECK(partial.pipelines.at("daily") == PlanSourcePartial{7, 7});
  CountingRules rules;
  rules.pipelines = {"daily"};
  const PartialSet set = counted_with({daily, other}, rules);
  CHECK(set.partials.begin()->second.total_runs == 7);
  CHECK(set.input.run_records == 14);
}

TEST_CASE("packed runs that are open have a time each") {
  PackedRuns open = group_of(kind_of(packed::digit_of(Status::running), kGood));
  open.runs = 2;
  open.open_us = 8;
  PackedRuns earlier = open;
  earlier.runs = 1;
  earlier.open_us = 3;
  const KpiPartial partial = counted({open, earlier}).partials.begin()->second;
  const auto at = [](std::int64_t us) { return TimePoint{Microseconds{us}}; };
  CHECK(partial.in_flight == 3);
  CHECK(partial.open_runs == std::vector<TimePoint>{at(3), at(8), at(8)});
}

TEST_CASE("packed runs that are lost are taken back, and derived ones are counted apart") {
  RowSums sums;
  const auto add = [&](const char* word, std::int64_t kind, std::int64_t runs) {
    AnswerRow answer;
    answer.word = word;
    answer.number = kind;
    answer.name = "llm";
    answer.n = {runs, 1, 1, 1, 4, 40, 0, 0, 0, 0, 5};
    const LogQuery query = day_query();
    add_answer(answer, {kMapping, kRules, query, kPackedClasses},
               [&](const PartialRow& row) { sums.add(row, query); });
  };
  const std::int64_t manual = std::int64_t{1} << packed::kManual;
  add("packed", kind_of(1, kGood) | 1001, 7);
  add("packed", kind_of(6, kGood), 2);
  add("lost", kind_of(1, kGood) | 1001, 3);
  add("lost", kind_of(6, kGood), 1);
  add("derived", kind_of(1, kGood) | manual, 5);
  add("derived", kind_of(6, kGood), 4);
  const PartialSet set = sums.partials(day_query());
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
