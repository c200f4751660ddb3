#include "story.hpp"

namespace dagloop::bench {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr hours kDay{24};

Story unchanged(const std::string& name, double runs_per_day = 500) {
  Story story;
  story.name = name;
  story.runs_per_day = runs_per_day;
  return story;
}

Story with_users(const std::string& name, double runs_per_day, const Users& users) {
  Story story = unchanged(name, runs_per_day);
  story.users = users;
  return story;
}

Story with_retries(const std::string& name, int retries) {
  Story story = unchanged(name);
  story.retries = retries;
  story.hold_at = 10;
  story.onset = hours(3);
  story.lasts = 5 * kDay;
  return story;
}

Story worse(const std::string& name, double drop_points) {
  Story story = unchanged(name);
  story.truth = Story::Truth::worse;
  story.hold_at = 10;
  story.drop_points = drop_points;
  return story;
}

// Control has a quarter of hard runs.
Story mixed_plans(Story story, double hard_of_canary) {
  story.hard = {0.25, hard_of_canary};
  return story;
}

// A canary at 10 % that is well for a day: 300 runs an hour, by day and by night.
Story after_a_good_day(const std::string& name) {
  Story story = worse(name, 0);
  story.runs_per_day = 7200;
  story.hours = Story::Hours::flat;
  story.onset = kDay;
  story.lasts = 6 * kDay;
  return story;
}

Story dead(const std::string& name, Microseconds lateness = Microseconds::zero()) {
  Story story = after_a_good_day(name);
  story.drop_points = 100;
  story.lateness = lateness;
  // Who approves in the morning mail: by then some eight dead runs have arrived.
  story.approved_from = lateness + minutes(15);
  return story;
}

Story mute(const std::string& name, CanaryLog log) {
  Story story = after_a_good_day(name);
  story.canary_log = log;
  // Twenty runs are missing after 40 minutes; those that hang are overdue after an hour.
  story.approved_from = minutes(log == CanaryLog::nothing ? 45 : 75);
  return story;
}

Story at_thirty(const std::string& name, double runs_per_day, Microseconds onset) {
  Story story = worse(name, 20);
  story.runs_per_day = runs_per_day;
  story.first_percent = 30;
  story.hold_at = 30;
  story.after_onset = Story::AfterOnset::held;
  story.onset = onset;
  return story;
}

std::vector<Story> make_no_change() {
  std::vector<Story> all{
      unchanged("independent runs"),
      with_users("users of 5 runs, 0.3", 500, {5, 0.3, hours(1)}),
      with_users("users of 5 runs, 0.3, 5000 a day", 5000, {5, 0.3, hours(1)}),
      with_users("users of 20 runs, 0.1", 500, {20, 0.1, hours(1)}),
      with_users("users of 20 runs, 0.3", 500, {20, 0.3, hours(1)}),
      with_users("users of 20 runs, 1.0", 500, {20, 1, hours(1)}),
      with_users("users of 20 runs, 0.1, 5000 a day", 5000, {20, 0.1, hours(1)}),
      with_users("users of 20 runs, 0.3, 5000 a day", 5000, {20, 0.3, hours(1)}),
      with_users("users of 20 runs, 1.0, 5000 a day", 5000, {20, 1, hours(1)}),
      with_retries("one user retries 20 times", 20),
      with_retries("one user retries 50 times", 50),
  };
  Story cold = unchanged("cold for 30 min after each step, 5000 a day", 5000);
  cold.cold = minutes(30);
  all.push_back(cold);
  Story slow =
      with_users("runs of 30 min, failures of 1 min", 500, {5, 0, hours(4), Users::Sides::both});
  slow.success_takes = minutes(30);
  slow.failure_takes = minutes(1);
  all.push_back(slow);
  Story outages = unchanged("an hour a day half of all runs fail");
  outages.outages = hours(1);
  all.push_back(outages);
  Story drift = unchanged("success drifts by 5 points through the day");
  drift.drift_points = 5;
  all.push_back(drift);
  all.push_back(mixed_plans(unchanged("the canary has hard runs alone"), 1));
  all.push_back(mixed_plans(unchanged("60 % of the canary's runs are hard"), 0.6));
  all.push_back(mixed_plans(unchanged("the canary has hard runs alone, 5000 a day", 5000), 1));
  Story blind = unchanged("no cohorts, at 30 %");
  blind.cohorts = Story::Cohorts::missing;
  blind.day_points = 3;
  blind.first_percent = blind.hold_at = 30;
  blind.tick_every = hours(1);
  blind.lasts = 7 * kDay;
  all.push_back(blind);
  return all;
}

std::vector<Story> make_faults() {
  std::vector<Story> all{
      dead("dead after a good day, 300 an hour"),
      dead("dead after a good day, logs 10 min late", minutes(10)),
      dead("dead after a good day, logs 20 min late", minutes(20)),
      dead("dead after a good day, logs 60 min late", minutes(60)),
      mute("canary writes nothing after a good day", CanaryLog::nothing),
      mute("canary hangs after a good day", CanaryLog::running_only),
      at_thirty("-20 points from day 0 at 30 %", 500, hours(0)),
      at_thirty("-20 points from day 7.4 at 30 %", 500, minutes(7 * 1440 + 576)),
      at_thirty("-20 points from day 0 at 30 %, 5000 a day", 5000, hours(0)),
      at_thirty("-20 points from day 3.4 at 30 %, 5000 a day", 5000, minutes(3 * 1440 + 576)),
      worse("-10 points", 10),
      worse("-20 points", 20),
      worse("-50 points", 50),
      mixed_plans(worse("-20 points, a quarter is hard", 20), 0.25),
      mixed_plans(worse("-20 points, the canary has hard runs alone", 20), 1),
      mixed_plans(worse("-20 points, the canary has easy runs alone", 20), 0),
  };
  Story users = worse("-20 points, users of 20 runs, 0.3", 20);
  users.users = {20, 0.3, hours(1)};
  all.push_back(users);
  Story fallen = worse("-50 points until the verdict, then well", 50);
  fallen.ends = Story::Ends::at_verdict;
  fallen.lasts = 6 * kDay;
  all.push_back(fallen);
  return all;
}

}  // namespace

const std::vector<Story>& stories_of_no_change() {
  static const std::vector<Story> all = make_no_change();
  return all;
}

const std::vector<Story>& stories_of_faults() {
  static const std::vector<Story> all = make_faults();
  return all;
}

}  // namespace dagloop::bench
