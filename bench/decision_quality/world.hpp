// The runs of a story, one by one, from a seed: who asked, on which side, and how it ended.
#pragma once

#include <cstdint>
#include <queue>
#include <random>
#include <vector>

#include "dagloop/record/contract_words.hpp"
#include "story.hpp"

namespace dagloop::bench {

/// One run, as the service knows it and (where it is written) as the log tells it.
struct Run {
  std::uint64_t id = 0;
  std::uint64_t user = 0;
  bool is_canary = false;
  Cohort cohort = Cohort::none;  // in the log
  TimePoint begun;
  TimePoint ended;    // a running one: when it was last written about
  TimePoint arrives;  // in the log
  enum class Outcome { succeeded, failed, running, unwritten };
  Outcome outcome = Outcome::succeeded;
  enum class Failure { other, auth, server };
  Failure failure = Failure::other;
  enum class Plan { unknown, rule, llm };  // llm: a hard run
  Plan plan = Plan::unknown;
  std::uint64_t failed_attempts = 0;
  double duration_ms = 0;
};

/// Attempts that every run makes.
inline constexpr std::uint64_t kAttempts = 4;

/// What is in force, and what went wrong, when a run begins.
struct Present {
  int percent = 0;
  TimePoint in_force_since;
  bool is_broken = false;  // behind the onset
};

/// The service and those who use it.
class World {
 public:
  World(const Story& story, std::uint64_t seed);

  /// Draws the runs that begin in the slot at `slot`, ascending. Slots follow one another.
  std::vector<Run> serve(TimePoint slot, const Present& present);
  /// Draws the runs of one user of the canary who begins to retry at `from`; all fail.
  std::vector<Run> retries(TimePoint from, int count);

 private:
  struct User {
    std::uint64_t hash = 0;
    double usual_rate = 0;   // of failures
    double broken_rate = 0;  // on a broken canary
  };
  struct Visit {
    TimePoint at;
    std::uint64_t order = 0;
    User user;
    bool operator>(const Visit& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void let_users_come(TimePoint slot);
  Run::Plan draw_plan(const Run& run);
  Run begin(const Visit& visit, const Present& present);
  void end(Run& run, const Present& present);
  User draw_user();
  double rate_of_user(double mean);
  double failure_rate(const Visit& visit, const Run& run, const Present& present);
  double world_points(TimePoint at);
  double uniform() { return std::uniform_real_distribution<double>()(dice_); }

  const Story& story_;
  std::mt19937_64 dice_;
  std::uint64_t runs_ = 0;
  std::uint64_t users_ = 0;
  std::uint64_t visits_ = 0;
  std::priority_queue<Visit, std::vector<Visit>, std::greater<>> waiting_;
  TimePoint day_;  // of the next two
  double day_points_ = 0;
  Microseconds outage_at_{0};
};

}  // namespace dagloop::bench
