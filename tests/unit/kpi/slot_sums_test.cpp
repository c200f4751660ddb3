#include "dagloop/kpi/slot_sums.hpp"

#include <catch2/catch.hpp>

#include "../../support/make_record.hpp"
#include "../../support/rollout_generator.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

KpiPartial random_records(Random& random) {
  KpiPartial partial;
  partial.total_runs = 1 + random.below(9);
  partial.succeeded = random.below(partial.total_runs + 1);
  partial.error_codes["E" + std::to_string(random.below(3))] = 1;
  NodePartial& node = partial.nodes["n" + std::to_string(random.below(2))];
  node.attempts = 3;
  node.latency.add(static_cast<double>(random.below(5000)));
  const bool many = random.chance(0.05);  // enough that durations come in buckets
  for (std::uint64_t i = many ? DurationHistogram::kExactLimit : random.below(40); i > 0; --i) {
    partial.latency.add(static_cast<double>(random.below(100'000)) / 7);
  }
  return partial;
}

PartialSet random_log(Random& random, int slots) {
  PartialSet set;
  for (int slot = 0; slot < slots; ++slot) {
    for (const Cohort cohort : {Cohort::none, Cohort::canary, Cohort::control}) {
      if (random.chance(0.6)) continue;
      const auto population = random.chance(0.2) ? Population::non_dag : Population::dag;
      for (int ages = random.chance(0.3) ? 3 : 1; ages > 0; --ages) {
        const AgeClass age(static_cast<std::uint8_t>(random.below(random.chance(0.1) ? 8 : 2)));
        set.partials[{at_minute(5 * slot), population, cohort, age}].merge(random_records(random));
      }
    }
  }
  return set;
}

}  // namespace

TEST_CASE("sums over any window are those of the slots one by one") {
  Random random(11);
  for (const int slots : {1, 2, 7, 64, 300}) {
    const PartialSet log = random_log(random, slots);
    const SlotSums sums(log.partials);
    for (int i = 0; i < 60; ++i) {
      const auto bound = static_cast<std::uint64_t>(slots + 6);
      const int start = static_cast<int>(random.below(bound)) - 3;
      const int end = start + static_cast<int>(random.below(bound));
      const Window window{at_minute(5 * start), at_minute(5 * end)};
      for (const auto population : {Population::dag, Population::non_dag}) {
        CHECK(sums.sum(window, population) == log.sum(window, population));
        for (const Cohort cohort : {Cohort::none, Cohort::canary, Cohort::control}) {
          CHECK(sums.sum(window, population, cohort) == log.sum(window, population, cohort));
        }
      }
    }
  }
}

TEST_CASE("sums of runs that began late enough are those of the slots one by one") {
  Random random(12);
  for (const int slots : {1, 2, 7, 64, 300}) {
    PartialSet log = random_log(random, slots);
    if (slots == 64) {  // a run of which nobody knows how long it took
      log.partials[{at_minute(30), Population::dag, Cohort::none, AgeClass(AgeClass::kLast)}] =
          random_records(random);
    }
    const SlotSums sums(log.partials);
    for (int i = 0; i < 60; ++i) {
      const auto bound = static_cast<std::uint64_t>(slots + 6);
      const int start = static_cast<int>(random.below(bound)) - 3;
      const int end = start + static_cast<int>(random.below(bound));
      const Window window{at_minute(5 * start), at_minute(5 * end)};
      const TimePoint from = at_minute(5 * (start - 3) + static_cast<int>(random.below(5 * bound)));
      for (const auto population : {Population::dag, Population::non_dag}) {
        CHECK(sums.sum(window, population, std::nullopt, from) ==
              log.sum(window, population, std::nullopt, from));
        CHECK(sums.sum(window, population, Cohort::canary, from) ==
              log.sum(window, population, Cohort::canary, from));
      }
    }
  }
}

TEST_CASE("an empty log has empty sums and no newest slot") {
  const SlotSums sums({});
  CHECK(sums.sum({at_minute(0), at_minute(60)}, Population::dag) == KpiPartial());
  CHECK_FALSE(sums.newest_slot_before(at_minute(60)));
}

TEST_CASE("the newest slot is the last before a time, of whatever population") {
  PartialSet log;
  log.partials[{at_minute(0), Population::dag, Cohort::none}].total_runs = 1;
  log.partials[{at_minute(20), Population::non_dag, Cohort::none}].in_flight = 1;
  const SlotSums sums(log.partials);
  CHECK_FALSE(sums.newest_slot_before(at_minute(0)));
  CHECK(sums.newest_slot_before(at_minute(5)) == at_minute(0));
  CHECK(sums.newest_slot_before(at_minute(20)) == at_minute(0));
  CHECK(sums.newest_slot_before(at_minute(25)) == at_minute(20));
}
