// A story of real traffic: users who come back, late logs, faults that begin after a good day.
// Value types.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"

namespace dagloop::bench {

/// How users come back. With one run a user all runs are independent.
struct Users {
  int runs = 1;            // of each user
  double correlation = 0;  // of the outcomes of one user's runs (beta-binomial)
  Microseconds span{0};    // within which a user's runs begin
  enum class Sides { one, both };
  Sides sides = Sides::one;  // both: a user's next run may be on the other side
};

/// What the canary's runs leave in the log from the onset on.
enum class CanaryLog { complete, nothing, running_only };

/// Which runs are hard: planned by the language model, they fail two and a half times as often as
/// usual; the others, planned by rules, half as often.
struct Mix {
  double control =
      0;              // share of control's runs, and of those before the rollout; 0: not told apart
  double canary = 0;  // of the canary's
};

/// What happens to the service, and how it is watched.
struct Story {
  std::string name;
  enum class Truth { unchanged, worse };
  Truth truth = Truth::unchanged;  // unchanged: every rollback is a false one

  double runs_per_day = 500;
  enum class Hours { by_day, flat };
  Hours hours = Hours::by_day;  // by_day: nine times as many runs by day as by night
  Users users;
  double failure_rate = 0.1;
  enum class Cohorts { logged, missing };
  Cohorts cohorts = Cohorts::logged;
  Microseconds success_takes{0};  // 0: eight seconds, lognormal
  Microseconds failure_takes{0};  // likewise
  Microseconds lateness{0};       // of every record
  double drift_points = 0;        // amplitude of both sides' success over a day
  double day_points = 0;          // standard deviation of both sides' success from day to day
  Microseconds outages{0};        // once a day, both sides, half of the runs fail
  Microseconds cold{0};           // after each step half of the canary's runs fail
  int retries = 0;                // at the onset one user of the canary retries as often; all fail

  Mix hard = {};  // the means are those of failure_rate where control's is 25 %

  double drop_points = 0;  // of the canary's success rate from the onset on
  CanaryLog canary_log = CanaryLog::complete;
  enum class Ends { never, at_verdict };
  Ends ends = Ends::never;  // at_verdict: from the first rollback on the canary is well

  int first_percent = 0;  // where the rollout stands when the loop begins
  int hold_at = 0;        // approved no further until the onset (0: always approved)
  enum class AfterOnset { approved, held };
  AfterOnset after_onset = AfterOnset::approved;  // steps that are proposed then
  Microseconds onset{0};                          // after that percentage came into force
  Microseconds approved_from{0};                  // after the onset: what was held then is approved
  Microseconds tick_every = std::chrono::minutes(15);
  Microseconds lasts = std::chrono::hours(24 * 30);  // then it ends undecided
};

/// Returns the stories of each of the two tables.
const std::vector<Story>& stories_of_no_change();
const std::vector<Story>& stories_of_faults();

}  // namespace dagloop::bench
