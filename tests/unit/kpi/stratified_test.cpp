#include "dagloop/kpi/stratified.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "dagloop/base/error.hpp"
#include "listed_runs.hpp"

namespace dagloop {
namespace {

using test::Random;

bool holds(const Estimate& estimate, double truth) {
  return estimate.ci95->low <= truth && truth <= estimate.ci95->high;
}

RunCounts drawn(Random& random, std::uint64_t runs, double rate) {
  RunCounts counts{runs, 0};
  for (std::uint64_t i = 0; i < runs; ++i) counts.failed += random.chance(rate) ? 1U : 0U;
  return counts;
}

// The share of 2,000 draws whose interval holds the difference that all strata have.
double coverage(std::uint64_t seed, std::uint64_t strata, std::uint64_t subject_runs,
                std::uint64_t reference_runs) {
  Random random(seed);
  constexpr double kDifference = 0.1;
  int held = 0;
  int drawn_with_interval = 0;
  for (int draw = 0; draw < 2000; ++draw) {
    Strata subject;
    Strata reference;
    for (std::uint64_t i = 0; i < strata; ++i) {
      const double rate = 0.05 + 0.3 * static_cast<double>(i) / static_cast<double>(strata);
      subject[std::to_string(i)] = drawn(random, subject_runs, rate + kDifference);
      reference[std::to_string(i)] = drawn(random, reference_runs, rate);
    }
    const auto found = stratify("x", subject, reference).difference;
    if (!found->ci95) continue;
    ++drawn_with_interval;
    held += holds(*found, kDifference) ? 1 : 0;
  }
  return static_cast<double>(held) / drawn_with_interval;
}

}  // namespace

TEST_CASE("the difference among alike runs weighs strata by n1 n0 / n") {
  const StratifiedDifference found =
      stratify("plan_source", {{"a", {10, 4}}, {"b", {20, 2}}}, {{"a", {30, 3}}, {"b", {5, 0}}});
  const double weight_a = 10.0 * 30 / 40;
  const double weight_b = 20.0 * 5 / 25;
  CHECK(found.difference->value ==
        Approx((weight_a * (0.4 - 0.1) + weight_b * 0.1) / (weight_a + weight_b)));
  CHECK(found.by == "plan_source");
  CHECK(found.strata == 2);
  CHECK(found.subject_share == 1);
  CHECK(found.reference_share == 1);
}

// From an implementation of the cited formulas in Python.
TEST_CASE("estimate and interval are those of an independent computation") {
  const auto found = stratify("x", {{"llm", {150, 54}}, {"rule", {50, 6}}},
                              {{"llm", {400, 60}}, {"rule", {600, 40}}});
  CHECK(found.difference->value == Approx(0.163423423423423).epsilon(1e-13));
  CHECK(found.difference->ci95->low == Approx(0.0973859803854996).epsilon(1e-12));
  CHECK(found.difference->ci95->high == Approx(0.231906729309865).epsilon(1e-12));
}

TEST_CASE("sides that are exchanged exchange the sign") {
  Random random(601);
  for (int round = 0; round < 200; ++round) {
    Strata subject;
    Strata reference;
    for (const char* name : {"a", "b", "c", "d"}) {
      if (random.chance(0.8)) subject[name] = drawn(random, 1 + random.below(30), 0.3);
      if (random.chance(0.8)) reference[name] = drawn(random, 1 + random.below(300), 0.2);
    }
    if (subject.empty() || reference.empty()) continue;
    const StratifiedDifference one = stratify("x", subject, reference);
    const StratifiedDifference other = stratify("x", reference, subject);
    REQUIRE(one.strata == other.strata);
    REQUIRE(one.subject_share == other.reference_share);
    REQUIRE(one.difference.has_value() == other.difference.has_value());
    if (!one.difference) continue;
    REQUIRE(one.difference->value == Approx(-other.difference->value).margin(1e-14));
    REQUIRE(one.difference->ci95.has_value() == other.difference->ci95.has_value());
    if (!one.difference->ci95) continue;
    REQUIRE(one.difference->ci95->low == Approx(-other.difference->ci95->high).margin(1e-12));
    REQUIRE(one.difference->ci95->low <= one.difference->value);
    REQUIRE(one.difference->value <= one.difference->ci95->high);
  }
}

// A 95 % interval covers at least 93.5 % of 2,000 draws but once in a thousand such tests.
TEST_CASE("the interval holds the truth with few large strata, and with many small ones") {
  const double few = coverage(602, 3, 40, 200);
  const double many = coverage(603, 24, 2, 18);
  CAPTURE(few, many);
  CHECK((few > 0.935 && few < 0.975));
  CHECK((many > 0.935 && many < 0.975));
}

TEST_CASE("strata that one side lacks are left out, and the shares say how much that is") {
  const StratifiedDifference found =
      stratify("x", {{"a", {30, 9}}, {"new", {10, 10}}}, {{"a", {60, 6}}, {"old", {40, 0}}});
  CHECK(found.strata == 1);
  CHECK(found.difference->value == Approx(0.2));
  CHECK(found.subject_share == 0.75);
  CHECK(found.reference_share == 0.6);
  const StratifiedDifference none = stratify("x", {{"a", {30, 9}}}, {{"b", {30, 0}}});
  CHECK(none.strata == 0);
  CHECK_FALSE(none.difference);
  CHECK(none.finding == MixFinding::none);
}

TEST_CASE("where nothing failed, or everything, there is no interval") {
  const auto none = stratify("x", {{"a", {30, 0}}}, {{"a", {60, 0}}});
  CHECK(none.difference == Estimate{0, std::nullopt});
  const auto all = stratify("x", {{"a", {30, 30}}}, {{"a", {60, 60}}});
  CHECK(all.difference == Estimate{0, std::nullopt});
}

// The kidney stones of Charig et al. 1986 (BMJ 292, p. 879): open surgery fails less with small
// stones and with large ones, and more on the whole.
TEST_CASE("the kidney stones are found: the mix explains the difference") {
  const Strata open{{"small", {87, 87 - 81}}, {"large", {263, 263 - 192}}};
  const Strata nephrolithotomy{{"small", {270, 270 - 234}}, {"large", {80, 80 - 55}}};
  const StratifiedDifference found = stratify("size", open, nephrolithotomy);
  CHECK(found.difference->value < 0);
  // On the whole 22.0 % against 17.4 %: 350 patients a side leave that open. Of four times as many:
  Strata more_open = open;
  Strata more_others = nephrolithotomy;
  for (Strata* side : {&more_open, &more_others}) {
    for (auto& [name, counts] : *side) counts = {4 * counts.runs, 4 * counts.failed};
  }
  CHECK(stratify("size", more_open, more_others).finding == MixFinding::mix_explains_difference);
}

TEST_CASE("a difference that is as great among alike runs is no finding") {
  const Strata subject{{"a", {200, 60}}, {"b", {200, 40}}};
  const Strata reference{{"a", {200, 20}}, {"b", {200, 10}}};
  CHECK(stratify("x", subject, reference).finding == MixFinding::none);
}

TEST_CASE("less than half of the difference is a finding, half is none") {
  // Alike runs differ by 6 points; the mix adds to that.
  const auto finding = [](std::uint64_t moved) {
    const Strata subject{{"a", {1000 + moved, (1000 + moved) * 46 / 100}},
                         {"b", {1000 - moved, (1000 - moved) * 6 / 100}}};
    const Strata reference{{"a", {1000, 400}}, {"b", {1000, 0}}};
    return stratify("x", subject, reference).finding;
  };
  CHECK(finding(200) == MixFinding::none);                     // 10 points on the whole
  CHECK(finding(400) == MixFinding::mix_explains_difference);  // 14 points
}

TEST_CASE("a difference that the mix hides is found") {
  const Strata subject{{"easy", {900, 90}}, {"hard", {100, 60}}};
  const Strata reference{{"easy", {600, 12}}, {"hard", {400, 140}}};  // 15 % and 15.2 %
  CHECK(stratify("x", subject, reference).finding == MixFinding::mix_hides_difference);
}

TEST_CASE("where less than half of the subject's runs can be compared there is no finding") {
  const auto finding = [](std::uint64_t alone) {
    const Strata subject{{"a", {200, 20}}, {"new", {alone, alone}}};
    return stratify("x", subject, {{"a", {2000, 200}}}).finding;
  };
  CHECK(finding(150) == MixFinding::mix_explains_difference);
  CHECK(finding(250) == MixFinding::none);
}

TEST_CASE("plan sources hold every run once, those without one under the empty name") {
  Random random(604);
  for (int round = 0; round < 40; ++round) {
    const auto runs = test::random_runs(random, random.below(60), random.uniform());
    Strata expected;
    for (const test::ListedRun& run : runs) {
      expected[run.plan_source].merge({1, run.failed ? 1U : 0U});
    }
    REQUIRE(strata_by_plan_source(test::partial_of(runs, random)) == expected);
  }
}

TEST_CASE("hours are those of the day in UTC, over all days of the window and one cohort") {
  using std::chrono::hours;
  const TimePoint midnight{std::chrono::sys_days{std::chrono::year{2026} / 2 / 24}};
  PartialSet set;
  const auto add = [&](TimePoint slot, Cohort cohort, std::uint64_t runs) {
    KpiPartial partial;
    partial.total_runs = runs;
    partial.succeeded = runs - 1;
    set.partials[{slot, Population::dag, cohort}].merge(partial);
  };
  add(midnight - kSlot, Cohort::canary, 1000);  // before the window
  add(midnight, Cohort::canary, 2);
  add(midnight + hours(1) - kSlot, Cohort::canary, 4);
  add(midnight + hours(9), Cohort::control, 8);
  add(midnight + hours(23), Cohort::canary, 16);
  add(midnight + hours(24), Cohort::canary, 32);
  add(midnight + hours(48), Cohort::canary, 1000);  // behind it
  set.partials[{midnight, Population::non_dag, Cohort::none}].total_runs = 7;
  set.partials[{midnight + hours(5), Population::dag, Cohort::canary}].in_flight = 7;
  const Window window{midnight, midnight + hours(48)};
  CHECK(strata_by_hour(set, window, Population::dag, Cohort::canary) ==
        Strata{{"00", {38, 3}}, {"23", {16, 1}}});
  CHECK(strata_by_hour(set, window, Population::dag, std::nullopt) ==
        Strata{{"00", {38, 3}}, {"09", {8, 1}}, {"23", {16, 1}}});
}

TEST_CASE("without runs on a side there is nothing to compare, which is the caller's to know") {
  CHECK_THROWS_AS(stratify("x", {}, {{"a", {1, 0}}}), Error);
}

}  // namespace dagloop
