#include "dagloop/evidence/evidence.hpp"

#include <catch2/catch.hpp>

using namespace dagloop;

namespace {

ArmFigures runs(std::uint64_t count, std::uint64_t failed) {
  ArmFigures arm;
  arm.runs = count;
  arm.failed = failed;
  return arm;
}

News news(const ArmFigures& canary, const ArmFigures& control) {
  News each;
  each.canary = canary;
  each.control = control;
  return each;
}

Evidence after(const std::vector<News>& all, const EvidenceConfig& config) {
  Evidence evidence;
  evidence.subject = "p";
  TimePoint end = evidence.since;
  for (News each : all) {
    each.window = {end, end + std::chrono::hours(1)};
    end = each.window.end;
    add_news(evidence, each, EvidenceSides::canary_and_control, config);
  }
  return evidence;
}

EvidenceConfig sequential() {
  EvidenceConfig config;
  config.mode = EvidenceMode::sequential;
  return config;
}

}  // namespace

TEST_CASE("a drop of the canary is evidence for the trigger and none for the promotion") {
  const EvidenceConfig config = sequential();
  const Evidence bad = after({news(runs(60, 24), runs(540, 54))}, config);
  CHECK(view_trigger(bad, "success_drop", config).decides());
  CHECK_FALSE(view_promotion_test(bad, 0.05, config).decides());
  const Evidence good = after({news(runs(300, 30), runs(2700, 270))}, config);
  CHECK_FALSE(view_trigger(good, "success_drop", config).decides());
  CHECK(view_promotion_test(good, 0.05, config).decides());
}

TEST_CASE("what has decided once stays decided, and the present figures are shown beside it") {
  const EvidenceConfig config = sequential();
  const Evidence evidence =
      after({news(runs(60, 24), runs(540, 54)), news(runs(600, 40), runs(540, 54))}, config);
  const EvidenceView view = view_trigger(evidence, "success_drop", config);
  CHECK(view.decides());
  CHECK(view.subject == ArmCounts{660, 64});
}

TEST_CASE("an undecided test says how many more runs it takes, and is about right") {
  const EvidenceConfig config = sequential();
  std::vector<News> all{news(runs(20, 6), runs(180, 18))};
  const EvidenceView first = view_trigger(after(all, config), "success_drop", config);
  REQUIRE_FALSE(first.decides());
  REQUIRE(first.more_trials);
  std::uint64_t more = 0;
  while (!view_trigger(after(all, config), "success_drop", config).decides()) {
    all.push_back(news(runs(10, 3), runs(90, 9)));
    more += 10;
    REQUIRE(more < 1000);
  }
  CHECK(static_cast<double>(more) < 2.0 * static_cast<double>(*first.more_trials) + 10);
  CHECK(static_cast<double>(more) > 0.5 * static_cast<double>(*first.more_trials) - 10);
}

TEST_CASE("at equal rates a trigger will never decide, and says so") {
  const EvidenceConfig config = sequential();
  const EvidenceView view =
      view_trigger(after({news(runs(100, 10), runs(900, 90))}, config), "success_drop", config);
  CHECK(view.is_available);
  CHECK_FALSE(view.decides());
  CHECK_FALSE(view.more_trials);
}

TEST_CASE("without a run on one side there is no evidence") {
  const EvidenceConfig config = sequential();
  CHECK_FALSE(view_trigger({}, "success_drop", config).is_available);
  CHECK_FALSE(
      view_trigger(after({news({}, runs(900, 90))}, config), "success_drop", config).is_available);
  CHECK_FALSE(
      view_promotion_test(after({news(runs(9, 0), {})}, config), 0.05, config).is_available);
}

TEST_CASE("slow runs are counted where a limit is known, against it or against the control") {
  const EvidenceConfig config = sequential();
  News each = news(runs(400, 0), runs(3600, 0));
  each.canary.timed = 400;
  each.canary.slow = 80;
  each.canary.over_threshold = 80;
  each.control.timed = 3600;
  each.control.slow = 180;
  CHECK_FALSE(view_trigger(after({each}, config), "p95_ratio", config).is_available);
  each.limits = {900.0, 1500.0};
  const Evidence evidence = after({each}, config);
  CHECK(view_trigger(evidence, "p95_ratio", config).decides());
  CHECK(view_trigger(evidence, "p95_absolute", config).decides());
}

TEST_CASE("the smallest drop that can be excluded shrinks with the traffic") {
  const EvidenceConfig config = sequential();
  const Evidence evidence = after({news(runs(50, 5), runs(450, 45))}, config);
  const auto few = smallest_excludable_drop_pp(evidence, 0.05, 50);
  const auto many = smallest_excludable_drop_pp(evidence, 0.05, 5000);
  REQUIRE(few);
  REQUIRE(many);
  CHECK(*few > 5);
  CHECK(*many < 4);
  CHECK_FALSE(smallest_excludable_drop_pp({}, 0.05, 5000));
}

TEST_CASE("a run that fell back counts as failed for fallback_rise, on either side") {
  const EvidenceConfig config = sequential();
  News each = news(runs(150, 0), runs(1350, 0));
  each.canary.aided = 150;
  each.control.aided = 13;
  const Evidence evidence = after({each}, config);
  CHECK(view_trigger(evidence, "fallback_rise", config).decides());
  CHECK(view_trigger(evidence, "fallback_rise", config).reference.events == 13);
  CHECK_FALSE(view_trigger(evidence, "success_drop", config).decides());
}

TEST_CASE("all triggers together leave 0.15 of alpha for what else may take a policy back") {
  const EvidenceConfig config = sequential();
  for (const auto& absolute : {std::optional<double>(), std::optional(1500.0)}) {
    Evidence evidence;
    evidence.limits = {900.0, absolute};
    double sum = 0;
    for (const char* name : {"success_drop", "error_ratio.auth", "error_ratio.server", "p95_ratio",
                             "attempt_failure_ratio", "fallback_rise"}) {
      sum += view_trigger(evidence, name, config).alpha;
    }
    if (absolute) sum += view_trigger(evidence, "p95_absolute", config).alpha;
    CHECK(sum == Approx(0.85 * config.alpha));
  }
}

TEST_CASE("unread runs take from a promotion's evidence as if they had been counted") {
  const EvidenceConfig config = sequential();
  const Evidence evidence = after({news(runs(60, 0), runs(600, 0))}, config);
  const auto e_value = [&](const Evidence& of) {
    return view_promotion_test(of, 0.02, config).e_value;
  };
  CHECK(with_unread(evidence, {}, config) == evidence);
  const double with_two = e_value(with_unread(evidence, {{2, 2}, {0, 0}}, config));
  CHECK(with_two < e_value(evidence));
  CHECK(e_value(with_unread(evidence, {{5, 5}, {0, 0}}, config)) < with_two);
  CHECK(with_unread({}, {{2, 2}, {0, 0}}, config) == Evidence{});
}

TEST_CASE("after unread runs no fewer runs are missing than without them") {
  const EvidenceConfig config = sequential();
  const Evidence decided = after({news(runs(400, 0), runs(4000, 0))}, config);
  REQUIRE(view_promotion_test(decided, 0.02, config).decides());
  for (std::uint64_t unread = 1; unread <= 200; ++unread) {
    const Evidence with = with_unread(decided, {{unread, unread}, {0, 0}}, config);
    const EvidenceView view = view_promotion_test(with, 0.02, config);
    if (!view.decides() && view.more_trials) CHECK(*view.more_trials <= 1'000'000'000);
  }
}
