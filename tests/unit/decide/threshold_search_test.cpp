#include "dagloop/decide/threshold_search.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "decide_case.hpp"
#include "support/make_codes.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

std::vector<SearchTick> ticks_of(const std::vector<double>& statistics) {
  std::vector<SearchTick> ticks;
  for (const double each : statistics) {
    ticks.push_back({kAsOf + static_cast<int>(ticks.size()) * kSlot, each, false});
  }
  return ticks;
}

// Tries every statistic that there is as a threshold, from the highest down, by running through
// history once more each time.
double slow_bound(const std::vector<SearchTick>& ticks, std::size_t most) {
  std::set<double, std::greater<>> candidates;
  for (const SearchTick& tick : ticks) candidates.insert(tick.statistic);
  for (const double candidate : candidates) {
    if (candidate > SearchTick::kNever && count_alarms(ticks, candidate) > most) return candidate;
  }
  return SearchTick::kNever;
}

}  // namespace

TEST_CASE("alarms are counted by where they begin") {
  auto ticks = ticks_of({0, 3, 3, 1, 4, 0, 3});
  CHECK(count_alarms(ticks, 3) == 3);
  CHECK(count_alarms(ticks, 3.5) == 1);
  CHECK(count_alarms(ticks, 1) == 2);
  CHECK(count_alarms(ticks, 5) == 0);
  ticks[4].is_marked = true;
  CHECK(count_alarms(ticks, 3) == 2);
}

TEST_CASE("an alarm that begins in a marked regression and goes on behind it is none too many") {
  auto ticks = ticks_of({SearchTick::kNever, 3, 3, 3, SearchTick::kNever});
  ticks[1].is_marked = true;
  CHECK(count_alarms(ticks, 2) == 0);
  CHECK(threshold_bound(ticks, 0) == SearchTick::kNever);
}

TEST_CASE("below the bound alarms may run into one another: that is no better threshold") {
  // At 1 there is one alarm, at 2 there are three.
  const auto ticks = ticks_of({1, 2, 1, 2, 1, 2, 1});
  CHECK(count_alarms(ticks, 1) == 1);
  CHECK(threshold_bound(ticks, 1) == 2);
  CHECK(threshold_bound(ticks, 3) == SearchTick::kNever);
}

TEST_CASE("the bound is that of a search which tries every threshold") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> statistics(1 + random() % 30);
    for (double& each : statistics) {
      each = random() % 6 == 0 ? SearchTick::kNever : static_cast<double>(random() % 9) / 4;
      if (random() % 40 == 0) each = std::numeric_limits<double>::infinity();
    }
    auto ticks = ticks_of(statistics);
    for (SearchTick& tick : ticks) tick.is_marked = random() % 5 == 0;
    const std::size_t most = random() % 4;
    REQUIRE(threshold_bound(ticks, most) == slow_bound(ticks, most));
    const SuggestedThreshold suggestion = suggest_threshold("p95_ratio", 1.5, ticks, most);
    if (!suggestion.suggested) continue;
    CHECK(count_alarms(ticks, *suggestion.suggested) == suggestion.false_alarms);
    for (double at = *suggestion.suggested; at < 3; at += 0.01) {
      CHECK(count_alarms(ticks, at) <= most);
    }
    if (*suggestion.suggested > 1.01) {
      CHECK(count_alarms(ticks, threshold_bound(ticks, most)) > most);
      CHECK(*suggestion.suggested - threshold_bound(ticks, most) < 0.0101);
    }
  }
}

TEST_CASE(
    "a threshold is no smaller than a configuration may hold, and is told where there is none") {
  CHECK(suggest_threshold("error_ratio", {}, ticks_of({0.2, 0.4}), 1).suggested == 1.01);
  CHECK(suggest_threshold("success_drop_pp", {}, ticks_of({-3, -2}), 0).suggested == 0.01);
  CHECK_FALSE(suggest_threshold("success_drop_pp", {}, ticks_of({100}), 0).suggested);
  const double infinity = std::numeric_limits<double>::infinity();
  const auto always = suggest_threshold("error_ratio", 2.0, ticks_of({1, infinity}), 0);
  CHECK_FALSE(always.suggested);
  CHECK_THAT(always.note, Catch::Contains("fires at any threshold"));
  const auto never = suggest_threshold("error_ratio", 2.0, ticks_of({SearchTick::kNever}), 0);
  CHECK_FALSE(never.suggested);
  CHECK_THAT(never.note, Catch::Contains("at no tick"));
}

TEST_CASE("the statistic of a tick is where its trigger begins to fire") {
  std::mt19937_64 random(8);
  int fired = 0;
  for (int round = 0; round < 400; ++round) {
    DecideCase c;
    c.quality = QualityBuilder();
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      const std::uint64_t runs = 10 + random() % 90;
      KpiPartial partial = make_runs(runs, runs - random() % (1 + runs / 3),
                                     static_cast<double>(1 + random() % 900));
      test::fail_by(partial, "TOOL_AUTH_ERROR", random() % 9);
      test::fail_by(partial, "TOOL_SERVER_ERROR", random() % 9);
      partial.nodes["n"] = make_node(40, random() % 20);
      c.quality.current(partial, cohort);
    }
    const Quality quality = c.quality.build();
    const Comparison comparison = choose_comparison(quality, BaselineKind::automatic);
    EvidenceConfig point;
    point.mode = EvidenceMode::point;
    const Evidence none;
    const TriggerThresholds plain;
    const auto probed = evaluate_triggers(probing(plain), comparison, 20, {point, none});
    for (const std::string_view key : kSuggestable) {
      TriggerThresholds at;
      threshold_of(at, key) = 1.01 + static_cast<double>(random() % 3000) / 1000;
      const auto triggers = evaluate_triggers(at, comparison, 20, {point, none});
      bool fires = false;
      for (const TriggerResult& trigger : triggers) {
        const std::string name = key == "success_drop_pp" ? "success_drop" : std::string(key);
        const bool is_of_key = trigger.name == name || trigger.name.starts_with(name + ".");
        fires = fires || (is_of_key && trigger.state == TriggerState::fired);
      }
      fired += fires ? 1 : 0;
      CHECK(fires == (firing_limit(probed, key) >= *threshold_of(at, key)));
    }
  }
  CHECK(fired > 100);
}
