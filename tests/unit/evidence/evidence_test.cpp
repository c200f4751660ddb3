#include "dagloop/evidence/evidence.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "evidence_steps.hpp"

using namespace dagloop;
using test::after_steps;
using test::runs;
using test::sequential;
using test::step_of;

namespace {

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

/// Ten runs of one user each, of the hashes from `first` on; `failed` of them failed.
ArmFigures ten_users(std::uint64_t first, std::uint64_t failed) {
  ArmFigures arm = runs(10, failed);
  for (std::uint64_t i = 0; i < 10; ++i) {
    UserArm user;
    user.hash = first + i;
    user.runs = 1;
    user.failed = i < failed ? 1 : 0;
    arm.users.push_back(user);
  }
  return arm;
}

/// As many runs of one user as `arm` has.
ArmFigures of_one_user(ArmFigures arm, std::uint64_t hash) {
  UserArm user;
  user.hash = hash;
  user.runs = static_cast<std::uint32_t>(arm.runs);
  user.failed = static_cast<std::uint32_t>(arm.failed);
  arm.users = {user};
  return arm;
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

TEST_CASE(
    "what a canary still needs is foretold within a factor of two, without errors of control") {
  const EvidenceConfig config = sequential();
  std::vector<double> foretold;
  std::vector<double> needed;
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937_64 dice(seed);
    std::binomial_distribution<std::uint64_t> failed(5, 0.06);
    std::vector<News> all;
    std::uint64_t runs_so_far = 0;
    const auto judge = [&] {
      all.push_back(news(runs(5, failed(dice)), runs(45, 0)));
      runs_so_far += 5;
      return view_trigger(after(all, config), "success_drop", config);
    };
    while (runs_so_far < 60) judge();
    EvidenceView view = view_trigger(after(all, config), "success_drop", config);
    if (view.decides() || !view.more_trials) continue;
    foretold.push_back(static_cast<double>(*view.more_trials));
    while (!view.decides()) view = judge();
    needed.push_back(static_cast<double>(runs_so_far) - 60);
  }
  REQUIRE(needed.size() >= 20);
  const auto median = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  CHECK(median(foretold) > 0.5 * median(needed));
  CHECK(median(foretold) < 2 * median(needed));
}

TEST_CASE("errors that rise within the tolerance are no evidence, however many runs there are") {
  const EvidenceConfig config = sequential();
  ArmFigures canary = runs(10000, 0);
  ArmFigures control = runs(90000, 0);
  canary.auth_errors = 135;
  control.auth_errors = 900;
  canary.attempts = 40000;
  control.attempts = 360000;
  canary.failed_attempts = 2700;
  control.failed_attempts = 18000;
  Evidence evidence = after(std::vector<News>(10, news(canary, control)), config);
  CHECK(view_trigger(evidence, "error_ratio.auth", config).e_value < 20);
  CHECK(view_trigger(evidence, "attempt_failure_ratio", config).e_value < 20);
  canary.auth_errors = 250;
  canary.failed_attempts = 5000;
  evidence = after(std::vector<News>(10, news(canary, control)), config);
  CHECK(view_trigger(evidence, "error_ratio.auth", config).decides());
  CHECK(view_trigger(evidence, "attempt_failure_ratio", config).decides());
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

TEST_CASE("all triggers together take back an innocent change with a chance of alpha") {
  const EvidenceConfig config = sequential();
  for (const auto& absolute : {std::optional<double>(), std::optional(1500.0)}) {
    Evidence evidence;
    evidence.limits = {900.0, absolute};
    evidence.percent = 10;
    double sum = 0;
    for (const char* name :
         {"success_drop", "error_ratio.auth", "error_ratio.server", "p95_ratio",
          "attempt_failure_ratio", "fallback_rise", "canary_missing", "success_collapse"}) {
      sum += view_trigger(evidence, name, config).alpha;
    }
    if (absolute) sum += view_trigger(evidence, "p95_absolute", config).alpha;
    CHECK(sum == Approx(0.95 * config.alpha));  // the rest is that of a decline
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

TEST_CASE("news of several steps are those of each step after the other") {
  const EvidenceConfig config = sequential();
  std::vector<NewsStep> steps;
  for (int i = 0; i < 12; ++i)
    steps.push_back(step_of(i, runs(4, i % 2 == 0 ? 1 : 0), runs(30, 3)));
  const Evidence at_once = after_steps(steps, config);
  Evidence by_one = after_steps({steps.front()}, config);
  for (std::size_t i = 1; i < steps.size(); ++i) {
    News news_of_step;
    news_of_step.window = steps[i].window;
    news_of_step.steps = {steps[i]};
    add_news(by_one, news_of_step, EvidenceSides::canary_and_control, config);
  }
  CHECK(by_one == at_once);
  CHECK(at_once.until == steps.back().window.end);
}

TEST_CASE("a user who retries one failing request is no evidence, twenty users are") {
  const EvidenceConfig config = sequential();
  std::vector<NewsStep> by_one;
  std::vector<NewsStep> by_all;
  for (int i = 0; i < 30; ++i) {
    const std::uint64_t first = 1000 + 100 * static_cast<std::uint64_t>(i);
    by_one.push_back(step_of(i, ten_users(first, 1), ten_users(first + 50, 1)));
    by_all.push_back(step_of(i, ten_users(first, i < 25 ? 1 : 9), ten_users(first + 50, 1)));
  }
  by_one.push_back(step_of(30, of_one_user(runs(50, 50), 7), ten_users(9000, 1)));
  const EvidenceView one = view_trigger(after_steps(by_one, config), "success_drop", config);
  REQUIRE(one.users);
  CHECK(one.users->largest_cluster == 50);
  CHECK(one.users->worst == ArmCounts{50, 50});
  CHECK(one.design_effect > 3);
  REQUIRE(one.e_without_worst);
  CHECK(*one.e_without_worst < 20);
  REQUIRE(one.stretch);
  CHECK(one.stretch->worst == ArmCounts{50, 50});
  REQUIRE(one.stretch->e_without_worst);
  CHECK(*one.stretch->e_without_worst < 20);
  const EvidenceView all = view_trigger(after_steps(by_all, config), "success_drop", config);
  CHECK(all.design_effect == 1);
  CHECK(all.decides());
  CHECK(*all.stretch->e_without_worst > 20);
}

TEST_CASE("where the source names no users the view says so, and attempts count by runs") {
  const EvidenceConfig config = sequential();
  NewsStep step = step_of(0, runs(40, 4), runs(300, 30));
  step.canary.attempts = 120;
  step.control.attempts = 600;
  const Evidence evidence = after_steps({step}, config);
  CHECK_FALSE(view_trigger(evidence, "success_drop", config).users);
  CHECK(view_trigger(evidence, "success_drop", config).design_effect == 1);
  CHECK(view_trigger(evidence, "attempt_failure_ratio", config).design_effect == 3);
}

TEST_CASE("days that differ are read as clusters") {
  const EvidenceConfig config = sequential();
  Evidence evidence = after({news(runs(60, 24), runs(540, 54))}, config);
  REQUIRE(view_trigger(evidence, "success_drop", config).decides());
  const double width = view_trigger(evidence, "success_drop", config).difference->high;
  evidence.day_effects["success_drop"] = 8;
  const EvidenceView view = view_trigger(evidence, "success_drop", config);
  CHECK(view.design_effect == 8);
  CHECK_FALSE(view.decides());
  CHECK(view.difference->high > width);
  CHECK(*view.more_trials > 0);
}
