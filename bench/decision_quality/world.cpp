#include "world.hpp"

#include <algorithm>
#include <cmath>

namespace dagloop::bench {
namespace {

constexpr double kMedianMs = 8000;
constexpr double kLogSigma = 0.5;
constexpr double kAttemptFailureRate = 0.05;
constexpr double kAuthShare = 0.1;  // of the usual failures; as is the next
constexpr double kServerShare = 0.2;
constexpr double kHardMore = 1.5;  // times the usual failures
constexpr double kEasyLess = 0.5;
constexpr double kTurn = 2 * 3.14159265358979323846;
constexpr std::chrono::hours kWholeDay{24};

// The finalizer of splitmix64 (Steele, Lea and Flood 2014).
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

TimePoint day_of(TimePoint at) { return std::chrono::floor<std::chrono::days>(at); }

double hour_angle(TimePoint at) {
  return kTurn * std::chrono::duration<double>(at - day_of(at)) / kWholeDay;
}

Microseconds ms(double milliseconds) {
  return Microseconds{static_cast<std::int64_t>(milliseconds * 1000)};
}

}  // namespace

World::World(const Story& story, std::uint64_t seed) : story_(story), dice_(mixed(seed)) {}

double World::rate_of_user(double mean) {
  const double rho = story_.users.correlation;
  if (rho <= 0 || mean >= 1) return mean;
  if (rho >= 1) return uniform() < mean ? 1 : 0;
  const double weight = (1 - rho) / rho;
  const double a = std::gamma_distribution<double>(mean * weight)(dice_);
  const double b = std::gamma_distribution<double>((1 - mean) * weight)(dice_);
  return a + b > 0 ? a / (a + b) : (uniform() < mean ? 1 : 0);
}

World::User World::draw_user() {
  User user;
  user.hash = mixed(mixed(++users_) ^ dice_());
  user.usual_rate = rate_of_user(story_.failure_rate);
  user.broken_rate = rate_of_user(std::min(1.0, story_.failure_rate + story_.drop_points / 100));
  return user;
}

void World::let_users_come(TimePoint slot) {
  const double per_slot = story_.runs_per_day * std::chrono::duration<double>(kSlot) / kWholeDay;
  const double now = story_.hours == Story::Hours::flat ? 1 : 1 - 0.8 * std::cos(hour_angle(slot));
  std::poisson_distribution<int> arrivals(per_slot * now / story_.users.runs);
  for (int left = arrivals(dice_); left > 0; --left) {
    const User user = draw_user();
    const TimePoint first = slot + ms(uniform() * 1000 * 300);
    for (int i = 0; i < story_.users.runs; ++i) {
      const double later = i == 0 ? 0 : uniform();
      const double span_ms = std::chrono::duration<double, std::milli>(story_.users.span).count();
      waiting_.push({first + ms(later * span_ms), visits_++, user});
    }
  }
}

double World::world_points(TimePoint at) {
  if (day_of(at) != day_) {
    day_ = day_of(at);
    day_points_ = std::normal_distribution<double>(0, 1)(dice_) * story_.day_points;
    outage_at_ = ms(uniform() * 23 * 3600 * 1000);
  }
  return day_points_ + story_.drift_points * std::sin(hour_angle(at) + 1);
}

double World::failure_rate(const Visit& visit, const Run& run, const Present& present) {
  const double points = world_points(visit.at);
  const Microseconds since_outage = visit.at - day_ - outage_at_;
  if (since_outage >= Microseconds::zero() && since_outage < story_.outages) return 0.5;
  const bool is_cold = run.is_canary && visit.at - present.in_force_since < story_.cold;
  if (is_cold) return 0.5;
  const bool is_broken = run.is_canary && present.is_broken;
  const double rate = is_broken ? visit.user.broken_rate : visit.user.usual_rate;
  double more = points / 100;
  if (run.plan == Run::Plan::llm) more += kHardMore * story_.failure_rate;
  if (run.plan == Run::Plan::rule) more -= kEasyLess * story_.failure_rate;
  return std::clamp(rate + more, 0.0, 1.0);
}

Run::Plan World::draw_plan(const Run& run) {
  if (story_.hard.control <= 0) return Run::Plan::unknown;
  const double share = run.is_canary ? story_.hard.canary : story_.hard.control;
  return uniform() < share ? Run::Plan::llm : Run::Plan::rule;
}

void World::end(Run& run, const Present& present) {
  const bool has_failed = run.outcome == Run::Outcome::failed;
  const Microseconds takes = has_failed ? story_.failure_takes : story_.success_takes;
  run.duration_ms =
      std::exp(std::normal_distribution<double>(std::log(kMedianMs), kLogSigma)(dice_));
  if (takes > Microseconds::zero()) {
    run.duration_ms =
        std::chrono::duration<double, std::milli>(takes).count() * (0.9 + 0.2 * uniform());
  }
  if (has_failed) {
    const double which = uniform();
    const bool is_usual =
        uniform() < story_.failure_rate / (story_.failure_rate + story_.drop_points / 100) ||
        !present.is_broken || !run.is_canary;
    if (is_usual && which < kAuthShare)
      run.failure = Run::Failure::auth;
    else if (is_usual && which < kAuthShare + kServerShare)
      run.failure = Run::Failure::server;
  }
  run.failed_attempts =
      std::binomial_distribution<std::uint64_t>(kAttempts, kAttemptFailureRate)(dice_);
  run.ended = run.begun + ms(run.duration_ms);
  if (run.is_canary && present.is_broken && story_.canary_log != CanaryLog::complete) {
    run.outcome =
        story_.canary_log == CanaryLog::nothing ? Run::Outcome::unwritten : Run::Outcome::running;
    run.ended = run.begun;
  }
  run.arrives = run.ended + story_.lateness;
}

Run World::begin(const Visit& visit, const Present& present) {
  Run run;
  run.id = ++runs_;
  run.user = visit.user.hash;
  run.begun = visit.at;
  const double place = story_.users.sides == Users::Sides::both
                           ? uniform()
                           : static_cast<double>(mixed(visit.user.hash) >> 11U) * 0x1.0p-53;
  run.is_canary = place * 100 < present.percent;
  if (present.percent > 0 && story_.cohorts == Story::Cohorts::logged) {
    run.cohort = run.is_canary ? Cohort::canary : Cohort::control;
  }
  run.plan = draw_plan(run);
  if (uniform() < failure_rate(visit, run, present)) run.outcome = Run::Outcome::failed;
  end(run, present);
  return run;
}

std::vector<Run> World::serve(TimePoint slot, const Present& present) {
  let_users_come(slot);
  std::vector<Run> runs;
  while (!waiting_.empty() && waiting_.top().at < slot + kSlot) {
    runs.push_back(begin(waiting_.top(), present));
    waiting_.pop();
  }
  return runs;
}

std::vector<Run> World::retries(TimePoint from, int count) {
  std::vector<Run> runs;
  const std::uint64_t user = mixed(~++users_);
  for (int i = 0; i < count; ++i) {
    Run run;
    run.id = ++runs_;
    run.user = user;
    run.is_canary = true;
    run.cohort = Cohort::canary;
    run.outcome = Run::Outcome::failed;
    run.begun = from + std::chrono::seconds(30) * i;
    run.duration_ms = kMedianMs;
    run.ended = run.begun + ms(run.duration_ms);
    run.arrives = run.ended + story_.lateness;
    runs.push_back(run);
  }
  return runs;
}

}  // namespace dagloop::bench
