#include "dagloop/evidence/day_effect.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

namespace dagloop {
namespace {

using std::chrono::hours;

const TimePoint kFirstDay{std::chrono::sys_days{std::chrono::year{2026} / 3 / 2}};

std::vector<DailyRate> days_of(std::uint64_t runs, const std::vector<double>& rates) {
  std::vector<DailyRate> days;
  for (const double rate : rates) days.push_back({runs, rate});
  return days;
}

/// A service whose share of failed runs differs from day to day.
class DailyService {
 public:
  DailyService(std::uint64_t seed, double deviation) : random_(seed), deviation_(deviation) {}

  double rate_of_a_day(double mean) {
    return std::clamp(std::normal_distribution<double>(mean, deviation_)(random_), 0.0, 1.0);
  }
  std::uint64_t failed(std::uint64_t runs, double rate) {
    return std::binomial_distribution<std::uint64_t>(runs, rate)(random_);
  }

 private:
  std::mt19937_64 random_;
  double deviation_;
};

std::vector<DailyFigures> figures_of(DailyService& service, int count, std::uint64_t runs) {
  std::vector<DailyFigures> days;
  for (int i = -count; i < 0; ++i) {
    const auto failed = static_cast<double>(service.failed(runs, service.rate_of_a_day(0.1)));
    days.push_back({kFirstDay + hours(24 * i),
                    runs,
                    {{"pipeline_success_rate", 1 - failed / static_cast<double>(runs)}}});
  }
  return days;
}

ArmFigures day_arm(std::uint64_t runs, std::uint64_t failed) {
  ArmFigures figures;
  figures.runs = runs;
  figures.failed = failed;
  return figures;
}

/// After how many hours the evidence of a drop of the success rate decides; nullopt: in `days` not.
std::optional<int> decided_after(std::uint64_t seed, double drop, int days) {
  constexpr std::uint64_t kRunsAnHour = 20;
  DailyService service(seed, 0.03);
  const auto history = figures_of(service, 28, 24 * kRunsAnHour);
  Evidence evidence;
  evidence.since = kFirstDay;
  evidence.until = kFirstDay;
  for (int day = 0; day < days; ++day) {
    const double before = service.rate_of_a_day(0.1);
    const double now = std::clamp(service.rate_of_a_day(0.1) + drop, 0.0, 1.0);
    for (int hour = 0; hour < 24; ++hour) {
      News news;
      news.window = {evidence.until, evidence.until + hours(1)};
      news.all = day_arm(kRunsAnHour, service.failed(kRunsAnHour, now));
      news.before = day_arm(kRunsAnHour, service.failed(kRunsAnHour, before));
      add_news(evidence, news, EvidenceSides::all_and_before, {});
      set_day_effects(evidence, history);
      if (view_trigger(evidence, "success_drop", {}).decides()) return 24 * day + hour + 1;
    }
  }
  return std::nullopt;
}

TEST_CASE("of fewer than seven days a spread of three points is taken, at most 0.05") {
  const auto few = days_of(500, {0.1, 0.1, 0.1, 0.1, 0.1, 0.1});
  CHECK(day_correlation(few, 0.05) == Approx(0.0009 / (0.05 * 0.95)));
  CHECK(day_correlation({}, 0.5) == Approx(0.0009 / 0.25));
  CHECK(day_correlation({}, 0.001) == 0.05);
  CHECK(day_correlation({}, 0) == 0.05);
}

TEST_CASE("days on which nothing ever failed say nothing of the spread of failures") {
  CHECK(day_correlation(days_of(500, std::vector<double>(10, 0.0)), 0.02) ==
        day_correlation({}, 0.02));
}

TEST_CASE("the correlation of a day is that of Rao and Scott, by hand") {
  // Mean 0.06: 100^2 (6 * 0.01^2 + 0.06^2) = 42; 700 * 0.06 * 0.94 = 39.48; 42 / 39.48 * 7 / 6 =
  // 1.24113; (1.24113 - 1) / 99 = 0.0024357; 6 / 4 for the few days.
  const auto days = days_of(100, {0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.12});
  CHECK(day_correlation(days, 0.05) == Approx(0.0036535).epsilon(1e-4));
  CHECK(day_correlation(days_of(100, std::vector<double>(28, 0.05)), 0.05) == 0);
}

TEST_CASE("the correlation is that of the days that were drawn, in the mean") {
  DailyService service(7, 0.03);
  double sum = 0;
  constexpr int kTrials = 400;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<DailyRate> days;
    for (int day = 0; day < 28; ++day) {
      const auto failed = static_cast<double>(service.failed(500, service.rate_of_a_day(0.1)));
      days.push_back({500, failed / 500});
    }
    sum += day_correlation(days, 0.1);
  }
  const double drawn = 0.0009 / 0.09 * 27.0 / 25;
  CHECK(sum / kTrials == Approx(drawn).epsilon(0.1));
}

TEST_CASE("the design effect grows with the runs of a day, and not with the days") {
  Evidence evidence;
  evidence.since = kFirstDay;
  evidence.tests["success_drop"].total = {{250, 20}, {250, 20}};
  evidence.tests["p95_ratio"].total = {{250, 20}, {250, 20}};
  const auto effect = [&](int hours_so_far, const std::vector<DailyFigures>& days = {}) {
    evidence.until = kFirstDay + hours(hours_so_far);
    set_day_effects(evidence, days);
    return evidence.day_effects.at("success_drop");
  };
  const double correlation = 0.0009 / (0.08 * 0.92);
  CHECK(effect(6) == Approx(1 + correlation * 249));
  CHECK(effect(24) == Approx(1 + correlation * 249));
  CHECK(effect(60) == Approx(1 + correlation * 99));
  // Days of the rollout itself are what is judged.
  std::vector<DailyFigures> later;
  for (int i = 0; i < 10; ++i) {
    later.push_back({kFirstDay + hours(24 * i), 500, {{"pipeline_success_rate", 0.9}}});
  }
  CHECK(effect(24, later) == Approx(1 + correlation * 249));
  for (DailyFigures& day : later) day.day -= hours(240);
  CHECK(effect(24, later) == 1);
  // Of latencies no share is known by day.
  CHECK(evidence.day_effects.at("p95_ratio") == Approx(1 + correlation * 249));
}

TEST_CASE("days that differ as ever fire no more often than alpha") {
  int fired = 0;
  constexpr int kRollouts = 400;
  for (std::uint64_t seed = 1; seed <= kRollouts; ++seed) {
    if (decided_after(seed, 0, 7)) ++fired;
  }
  // 1 % of them, and what chance adds to it: 10 or more of 400 has a probability of 0.8 %.
  CHECK(fired < 10);
}

TEST_CASE("a drop far beyond the usual spread of days is found within a day, half of it in three") {
  int found_in_one = 0;
  int found_in_three = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (decided_after(seed, 0.4, 1)) ++found_in_one;
    if (decided_after(seed, 0.2, 3)) ++found_in_three;
  }
  CHECK(found_in_one >= 95);
  CHECK(found_in_three >= 95);
}

}  // namespace
}  // namespace dagloop
