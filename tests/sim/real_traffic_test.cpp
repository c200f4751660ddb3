// What docs/decision-quality.md promises on real traffic, with few rollouts, and what they are
// drawn and counted by.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "rank_test.hpp"
#include "simulated_log.hpp"
#include "story_figures.hpp"
#include "story_rollout.hpp"
#include "user_rate.hpp"
#include "world.hpp"

using namespace dagloop;
using namespace dagloop::bench;

namespace {

const Story& story_of(const std::string& name) {
  for (const auto* stories : {&stories_of_no_change(), &stories_of_faults()}) {
    for (const Story& story : *stories) {
      if (story.name == name) return story;
    }
  }
  FAIL("no story of this name: " << name);
  return stories_of_faults().front();
}

// Rollouts that are cut off after `most_days`: what is false comes early.
StoryFigures told(const std::string& name, std::uint64_t rollouts, int most_days = 30) {
  Story story = story_of(name);
  story.lasts = std::min<Microseconds>(story.lasts, std::chrono::hours(24 * most_days));
  std::vector<StoryOutcome> outcomes;
  for (std::uint64_t i = 0; i < rollouts; ++i) {
    outcomes.push_back(tell(story, "this engine", 100 + i));
  }
  return figures_of_story(story, outcomes);
}

const TimePoint kNoon = *parse_time("2026-03-02T12:00:00Z");

std::vector<Run> serve_day(const Story& story, std::uint64_t seed, const Present& present) {
  World world(story, seed);
  std::vector<Run> runs;
  for (TimePoint slot = kNoon; slot < kNoon + std::chrono::hours(24); slot += kSlot) {
    const std::vector<Run> more = world.serve(slot, present);
    runs.insert(runs.end(), more.begin(), more.end());
  }
  return runs;
}

// The correlation of the outcomes of one user's runs, by the variance of their sums.
double correlation_of(const std::vector<Run>& runs, int runs_of_user) {
  std::map<std::uint64_t, std::pair<double, double>> users;
  double failed = 0;
  for (const Run& run : runs) {
    const double x = run.outcome == Run::Outcome::failed ? 1 : 0;
    users[run.user].first += 1;
    users[run.user].second += x;
    failed += x;
  }
  const double p = failed / static_cast<double>(runs.size());
  double squares = 0;
  double binomial = 0;
  for (const auto& [user, counts] : users) {
    squares += std::pow(counts.second - counts.first * p, 2);
    binomial += counts.first * p * (1 - p);
  }
  return (squares / binomial - 1) / (runs_of_user - 1);
}

}  // namespace

TEST_CASE("nothing is taken back for what users, retries and cold starts do to the figures") {
  CHECK(told("users of 5 runs, 0.3", 8, 2).found.events <= 1);
  CHECK(told("users of 20 runs, 1.0", 10, 2).found.events <= 1);
  CHECK(told("one user retries 50 times", 10, 2).found.events <= 1);
  CHECK(told("cold for 30 min after each step, 5000 a day", 10).found.events <= 1);
  CHECK(told("no cohorts, at 30 %", 4).found.events == 0);
  CHECK(told("the canary has hard runs alone", 10, 4).found.events <= 1);
  CHECK(told("60 % of the canary's runs are hard", 10, 4).found.events <= 1);
}

TEST_CASE("a canary that dies, hangs or falls silent after a good day is gone, never promoted") {
  const StoryFigures dead = told("dead after a good day, 300 an hour", 5);
  CHECK(dead.found.events == 5);
  CHECK(dead.promoted.events == 0);
  CHECK(*dead.canary_runs.median <= 25);
  const StoryFigures late = told("dead after a good day, logs 20 min late", 4);
  CHECK(late.found.events == 4);
  CHECK(late.promoted.events == 0);
  CHECK(*late.hours.median <= *dead.hours.median + 20.0 / 60 + 0.5);
  for (const char* name :
       {"canary writes nothing after a good day", "canary hangs after a good day"}) {
    CAPTURE(name);
    const StoryFigures mute = told(name, 3);
    CHECK(mute.found.events == 3);
    CHECK(mute.promoted.events == 0);
  }
}

TEST_CASE("a drop is found as well behind seven good days, and in what few users do") {
  const StoryFigures at_once = told("-20 points from day 0 at 30 %", 5);
  const StoryFigures later = told("-20 points from day 7.4 at 30 %", 5);
  CHECK(later.found.events == 5);
  CHECK(*later.canary_runs.median <= 2 * *at_once.canary_runs.median);
  CHECK(told("-50 points", 6).found.events == 6);
  CHECK(told("-20 points, users of 20 runs, 0.3", 3, 14).found.events >= 2);
}

TEST_CASE("what the evidence has excluded is not promoted again because it looks well later") {
  CHECK(told("-50 points until the verdict, then well", 2).promoted.events == 0);
}

TEST_CASE("the same seed tells the same story under every rule") {
  Story story = story_of("-50 points");
  story.lasts = std::chrono::hours(12);
  for (const char* rule : {"this engine", "threshold", "confidence sequence"}) {
    CHECK(tell(story, rule, 7) == tell(story, rule, 7));
  }
}

TEST_CASE("users of a story come back as often, and are as alike, as it says") {
  for (const double rho : {0.0, 0.3, 1.0}) {
    Story story = story_of("users of 20 runs, 0.3, 5000 a day");
    story.users.correlation = rho;
    story.runs_per_day = 200000;
    const std::vector<Run> runs = serve_day(story, 3, {});
    CAPTURE(rho);
    CHECK(std::abs(static_cast<double>(runs.size()) - 200000) < 20000);
    CHECK(std::abs(correlation_of(runs, 20) - rho) < 0.05);
  }
}

TEST_CASE("one user's runs are on one side, at the share that is in force") {
  Story story = story_of("users of 5 runs, 0.3");
  story.runs_per_day = 50000;
  std::map<std::uint64_t, Cohort> sides;
  double canary = 0;
  const std::vector<Run> runs = serve_day(story, 4, {30, kNoon, false});
  for (const Run& run : runs) {
    CHECK(sides.try_emplace(run.user, run.cohort).first->second == run.cohort);
    canary += run.is_canary ? 1 : 0;
  }
  CHECK(std::abs(canary / static_cast<double>(runs.size()) - 0.3) < 0.02);
}

TEST_CASE("the simulated log gives the sums that its slots give one by one") {
  const std::vector<Run> runs = serve_day(story_of("independent runs"), 5, {30, kNoon, false});
  SimulatedLog log;
  for (const Run& run : runs) log.add(run);
  const Window range{kNoon, kNoon + std::chrono::hours(48)};
  const PartialSet apart = log.read({range, range.end});
  const TimePoint cut = kNoon + std::chrono::minutes(95);
  const PartialSet cuts = log.read({range, range.end, {cut}});
  for (const Window& window : {Window{range.start, cut}, Window{cut, range.end}}) {
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      CHECK(cuts.sum(window, Population::dag, cohort) ==
            apart.sum(window, Population::dag, cohort));
    }
  }
  CHECK(apart.sum(range, Population::dag).total_runs == runs.size());
}

TEST_CASE("exact intervals are those of the tables") {
  CHECK(exact_interval({0, 1000}).high == Approx(1 - std::pow(0.025, 1.0 / 1000)).margin(1e-9));
  CHECK(exact_interval({0, 1000}).low == 0);
  CHECK(exact_interval({10, 10}).high == 1);
  // Clopper and Pearson's 4 of 20.
  CHECK(exact_interval({4, 20}).low == Approx(0.0573).margin(1e-4));
  CHECK(exact_interval({4, 20}).high == Approx(0.4366).margin(1e-4));
}

TEST_CASE("a fault that is not always found has the median of all rollouts") {
  const Story& story = story_of("-20 points");
  std::vector<StoryOutcome> outcomes(5);
  for (std::uint64_t i = 0; i < 3; ++i) outcomes[i].found = StoryOutcome::Found{10 * (i + 1), 1};
  const StoryFigures figures = figures_of_story(story, outcomes);
  CHECK(figures.found.events == 3);
  CHECK(figures.canary_runs.median == 30);
  CHECK_FALSE(figures.canary_runs.most);
  outcomes[0].found->hours = -1;
  CHECK(figures_of_story(story, outcomes).early.events == 1);
  CHECK_FALSE(figures_of_story(story, outcomes).canary_runs.median);
}

TEST_CASE("the variance over users is the sum of squares written out") {
  UserRate rate;
  std::map<std::uint64_t, std::pair<double, double>> users;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::uint64_t user = i * i % 31;
    const bool has_failed = user % 3 == 0 || i % 7 == 0;
    rate.add(user, has_failed);
    users[user].first += 1;
    users[user].second += has_failed ? 1 : 0;
  }
  double squares = 0;
  for (const auto& [user, counts] : users) {
    squares += std::pow(counts.second - counts.first * rate.rate(), 2);
  }
  const auto n = static_cast<double>(users.size());
  CHECK(rate.variance() == Approx(squares / (200.0 * 200.0) * n / (n - 1)));
}

TEST_CASE("a confidence sequence is wider than one look's interval, and closes in") {
  const auto filled = [](std::uint64_t users, std::uint64_t one_in) {
    UserRate rate;
    for (std::uint64_t i = 0; i < users; ++i) rate.add(i, i % one_in == 0);
    return rate;
  };
  const double few = least_difference(filled(100, 2), filled(100, 10), 0.01);
  const double many = least_difference(filled(10000, 2), filled(10000, 10), 0.01);
  CHECK(few < 0.4 - 2.3263 * std::sqrt(0.25 / 100 + 0.09 / 100));
  CHECK(many > few);
  CHECK(many < 0.4);
}

TEST_CASE("ranks tell a greater series from an equal one") {
  PairedSeries equal;
  PairedSeries greater;
  for (int i = 0; i < 40; ++i) {
    equal.add(i * 7 % 11, i * 5 % 11);
    greater.add(i * 7 % 11 + 6, i * 5 % 11);
  }
  CHECK_FALSE(equal.first_is_greater(2.3263));
  CHECK(greater.first_is_greater(2.3263));
}
