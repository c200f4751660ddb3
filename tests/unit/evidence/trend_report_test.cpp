#include "dagloop/evidence/trend_report.hpp"

#include <catch2/catch.hpp>
#include <functional>

using namespace dagloop;
using std::chrono::days;

namespace {

const TimePoint kNoon = *parse_time("2026-03-31T12:00:00Z");
const TimePoint kMidnight = *parse_time("2026-03-31T00:00:00Z");

using Figure = std::function<double(int day)>;

/// The last `count` days before kMidnight; figures by the day's number from the first.
std::vector<DailyFigures> history(
    int count, const Figure& success, const Figure& unverified,
    const Figure& p95 = [](int) { return 1000.0; }) {
  std::vector<DailyFigures> all;
  for (int day = 0; day < count; ++day) {
    all.push_back({kMidnight - days(count - day),
                   100,
                   {{"pipeline_success_rate", success(day)},
                    {"verification_failed_rate", unverified(day)},
                    {"p95_latency_ms", p95(day)}}});
  }
  return all;
}

double rising(int day) { return 0.8 + 0.005 * day; }
double falling(int day) { return 0.2 - 0.005 * day; }
double level(int day) { return day % 2 == 0 ? 0.1 : 0.11; }

TrendCourse course(const TrendReport& report, const std::string& kpi) {
  for (const KpiTrend& each : report.fortnight) {
    if (each.kpi == kpi) return each.course;
  }
  FAIL("no trend of " << kpi);
  return {};
}

}  // namespace

TEST_CASE("a course is judged by which way is good") {
  const TrendReport report =
      judge_trends(history(14, rising, falling, [](int day) { return 1000.0 + day; }), kNoon);
  CHECK(course(report, "pipeline_success_rate") == TrendCourse::improves);
  CHECK(course(report, "verification_failed_rate") == TrendCourse::improves);
  CHECK(course(report, "p95_latency_ms") == TrendCourse::worsens);
  CHECK(course(report, "fallback_rate") == TrendCourse::none);  // no data at all
  CHECK(report.two_improved == TrendAnswer::yes);
}

TEST_CASE("one KPI that improves is not two") {
  CHECK(judge_trends(history(14, rising, level), kNoon).two_improved == TrendAnswer::no);
}

TEST_CASE("fewer than ten days of a fortnight are not enough, nor twenty of a month") {
  CHECK(judge_trends(history(9, rising, falling), kNoon).two_improved ==
        TrendAnswer::not_enough_data);
  CHECK(judge_trends(history(10, rising, falling), kNoon).two_improved == TrendAnswer::yes);
  CHECK(judge_trends(history(19, rising, falling), kNoon).failures_fell ==
        TrendAnswer::not_enough_data);
  CHECK(judge_trends(history(20, rising, falling), kNoon).failures_fell == TrendAnswer::yes);
  CHECK(judge_trends({}, kNoon).two_improved == TrendAnswer::not_enough_data);
}

TEST_CASE("failures and failed verifications must both fall, or never have been") {
  const auto none = [](int) { return 0.0; };
  const auto all = [](int) { return 1.0; };
  CHECK(judge_trends(history(30, rising, level), kNoon).failures_fell == TrendAnswer::no);
  CHECK(judge_trends(history(30, level, falling), kNoon).failures_fell == TrendAnswer::no);
  CHECK(judge_trends(history(30, rising, none), kNoon).failures_fell == TrendAnswer::yes);
  CHECK(judge_trends(history(30, all, falling), kNoon).failures_fell == TrendAnswer::yes);
}

TEST_CASE("only the days of the stretch count: not earlier ones, and not today") {
  std::vector<DailyFigures> days_before = history(
      60, [](int day) { return day < 46 ? 0.1 : rising(day); }, falling);
  const TrendReport report = judge_trends(days_before, kNoon);
  CHECK(report.fortnight.front().days == 14);
  CHECK(report.month.front().days == 30);
  CHECK(report.fortnight.front().trend.slope_per_day == Approx(0.005));
  days_before.push_back({kMidnight, 1, {{"pipeline_success_rate", 0.0}}});
  CHECK(judge_trends(days_before, kNoon).fortnight.front().days == 14);
}

TEST_CASE("a day's figures are the core KPIs that have a value") {
  KpiPartial partial;
  partial.total_runs = 4;
  partial.succeeded = 3;
  const DailyFigures figures = daily_figures(kMidnight, partial);
  CHECK(figures.runs == 4);
  CHECK(figures.values.at("pipeline_success_rate") == 0.75);
  CHECK(figures.values.count("p95_latency_ms") == 0);
  CHECK(last_whole_day(kNoon) == Window{kMidnight - days(1), kMidnight});
  CHECK(last_whole_day(kMidnight) == Window{kMidnight - days(1), kMidnight});
}
