#include "dagloop/kpi/partial.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "awkward_log.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

using test::at_minute;
using test::kRange;
using test::Random;

KpiPartial merged(KpiPartial a, const KpiPartial& b) {
  a.merge(b);
  return a;
}

KpiPartial partial_with(Random& random) {
  return test::settle(test::awkward_log(random)).sum(kRange, Population::dag);
}

InputCounts counts_of(Random& random, const std::string& file) {
  InputCounts input;
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    input.reject({file, random.below(50), static_cast<RejectReason>(random.below(5))});
  }
  input.records += random.below(10);
  input.duplicates = random.below(10);
  if (random.chance(0.7)) input.newest_record = at_minute(static_cast<int>(random.below(100)));
  if (random.chance(0.7)) input.newest_unread = at_minute(static_cast<int>(random.below(100)));
  return input;
}

}  // namespace

TEST_CASE("merging partials is commutative and associative, and the empty partial is neutral") {
  Random random(21);
  for (int round = 0; round < 200; ++round) {
    const KpiPartial a = partial_with(random);
    const KpiPartial b = partial_with(random);
    const KpiPartial c = partial_with(random);
    CAPTURE(round);
    REQUIRE(merged(a, b) == merged(b, a));
    REQUIRE(merged(merged(a, b), c) == merged(a, merged(b, c)));
    REQUIRE(merged(a, {}) == a);
    REQUIRE(merged({}, a) == a);
  }
}

TEST_CASE("merging partials adds every count") {
  KpiPartial a;
  a.total_runs = 3;
  a.error_codes = {{"TOOL_TIMEOUT", 2}};
  a.plan_sources["llm"] = {3, 2};
  a.nodes["n"] = {5, 4, 3, 2, 1, {}};
  KpiPartial b = a;
  b.error_codes["x"] = 7;
  b.nodes["only_b"].attempts = 9;
  const KpiPartial both = merged(a, b);
  CHECK(both.total_runs == 6);
  CHECK(both.error_codes.at("TOOL_TIMEOUT") == 4);
  CHECK(both.error_codes.at("x") == 7);
  CHECK(both.plan_sources.at("llm") == PlanSourcePartial{6, 4});
  CHECK(both.nodes.at("n") == NodePartial{10, 8, 6, 4, 2, {}});
  CHECK(both.nodes.at("only_b").attempts == 9);
}

TEST_CASE("merging the partials of disjoint runs equals reading all of them at once") {
  Random random(22);
  for (int round = 0; round < 200; ++round) {
    auto some = test::awkward_log(random);
    auto others = test::awkward_log(random);
    for (auto& record : others) record.run += "'";
    PartialSet sum = test::settle(some);
    sum.merge(test::settle(others));
    some.insert(some.end(), others.begin(), others.end());
    REQUIRE(sum == test::settle(some));
  }
}

TEST_CASE("merging input counts is commutative and associative, and empty counts are neutral") {
  Random random(23);
  for (int round = 0; round < 300; ++round) {
    const InputCounts a = counts_of(random, "a");
    const InputCounts b = counts_of(random, "b");
    const InputCounts c = counts_of(random, "c");
    InputCounts left = a;
    left.merge(b);
    left.merge(c);
    InputCounts right = c;
    right.merge(b);
    right.merge(a);
    REQUIRE(left == right);
    REQUIRE(left.examples.size() <= InputCounts::kMaxExamples);
    InputCounts with_nothing = a;
    with_nothing.merge({});
    REQUIRE(with_nothing == a);
    InputCounts onto_nothing;
    onto_nothing.merge(a);
    REQUIRE(onto_nothing == a);
  }
}

TEST_CASE("a sum takes the slots from the window's start up to but without its end") {
  PartialSet set;
  const auto key = [](int minute, Population population, Cohort cohort) {
    return PartialKey{at_minute(minute), population, cohort};
  };
  set.partials[key(-5, Population::dag, Cohort::control)].total_runs = 100'000;
  set.partials[key(0, Population::dag, Cohort::none)].total_runs = 1;
  set.partials[key(0, Population::non_dag, Cohort::none)].total_runs = 10;
  set.partials[key(5, Population::dag, Cohort::canary)].total_runs = 100;
  set.partials[key(55, Population::dag, Cohort::control)].total_runs = 1'000;
  set.partials[key(60, Population::dag, Cohort::none)].total_runs = 10'000;
  const Window window{at_minute(0), at_minute(60)};
  CHECK(set.sum(window, Population::dag).total_runs == 1'101);
  CHECK(set.sum(window, Population::non_dag).total_runs == 10);
  CHECK(set.sum(window, Population::dag, Cohort::none).total_runs == 1);
  CHECK(set.sum(window, Population::dag, Cohort::canary).total_runs == 100);
  CHECK(set.sum(window, Population::non_dag, Cohort::canary) == KpiPartial{});
}

TEST_CASE("a sum of runs begun since some time has those that surely began since then") {
  PartialSet set;
  const auto key = [](int minute, int age) {
    return PartialKey{at_minute(minute), Population::dag, Cohort::none,
                      AgeClass(static_cast<std::uint8_t>(age))};
  };
  set.partials[key(30, 0)].total_runs = 1;
  set.partials[key(30, 1)].total_runs = 10;
  set.partials[key(30, 3)].total_runs = 100;  // 3 or 4 slots
  set.partials[key(30, AgeClass::kLast)].total_runs = 1'000;
  const auto begun_from = [&](int minute) {
    return set.sum({at_minute(0), at_minute(60)}, Population::dag, std::nullopt, at_minute(minute))
        .total_runs;
  };
  CHECK(set.sum({at_minute(0), at_minute(60)}, Population::dag).total_runs == 1'111);
  CHECK(begun_from(31) == 0);
  CHECK(begun_from(30) == 1);
  CHECK(begun_from(26) == 1);
  CHECK(begun_from(25) == 11);
  CHECK(begun_from(15) == 11);
  CHECK(begun_from(10) == 111);
  CHECK(begun_from(-100'000) == 111);  // of the longest nobody knows
}

TEST_CASE("tries once forgotten are not known in any sum that has a run") {
  PartialSet set;
  set.partials[{at_minute(0), Population::dag, Cohort::none}].total_runs = 3;
  set.partials[{at_minute(5), Population::dag, Cohort::none}].in_flight = 1;
  set.forget_tries();
  PartialSet known;
  known.partials[{at_minute(5), Population::dag, Cohort::none}].total_runs = 4;
  set.merge(known);
  const auto in = [&](int from, int to) {
    return set.sum({at_minute(from), at_minute(to)}, Population::dag).runs_without_tries;
  };
  CHECK(in(0, 10) == 3);
  CHECK(in(5, 10) == 0);
}

TEST_CASE("the sum of a window that begins off the slots' boundaries is a bug") {
  const PartialSet set;
  CHECK_THROWS_AS(set.sum({at_minute(1), at_minute(5)}, Population::dag), Error);
}

TEST_CASE("the open runs of a sum are in order, and the examples of a merge are the first") {
  KpiPartial a;
  a.open_runs = {at_minute(1), at_minute(5)};
  KpiPartial b;
  b.open_runs = {at_minute(2), at_minute(7)};
  KpiPartial both = a;
  both.merge(b);
  b.merge(a);
  CHECK(both == b);
  CHECK(both.open_runs == std::vector{at_minute(1), at_minute(2), at_minute(5), at_minute(7)});
  InputCounts input;
  for (std::uint64_t line = 9; line > 0; --line) {
    InputCounts one;
    one.mended_by_field[Field::cohort] = 1;
    one.mended_examples = {{"a", line, Field::cohort, "x", "y"}};
    one.window.add(line % 2 == 0 ? Cohort::canary : Cohort::none, {1, line > 4 ? 0U : 1U});
    input.merge(one);
  }
  CHECK(input.mended_by_field.at(Field::cohort) == 9);
  REQUIRE(input.mended_examples.size() == InputCounts::kMaxExamples);
  CHECK(input.mended_examples.back().line == 5);
  CHECK(input.window.all == LineShare{9, 4});
  CHECK(input.window.canary == LineShare{4, 2});
  CHECK(input.window.control == LineShare{});
}

}  // namespace dagloop
