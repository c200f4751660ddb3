#include "dagloop/evidence/trend_report.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "dagloop/kpi/kpi_set.hpp"

namespace dagloop {
namespace {

constexpr int kFortnight = 14;
// Two of three days at least: a trend over a few days with a gap is none.
constexpr int kLeastOfFortnight = 10;
constexpr int kMonth = 30;
constexpr int kLeastOfMonth = 20;

std::vector<DailyFigures> last_days(const std::vector<DailyFigures>& history, TimePoint as_of,
                                    int days) {
  const TimePoint end = last_whole_day(as_of).end;
  std::vector<DailyFigures> last;
  std::copy_if(history.begin(), history.end(), std::back_inserter(last),
               [&](const DailyFigures& each) {
                 return each.day >= end - std::chrono::days(days) && each.day < end;
               });
  return last;
}

std::vector<DailyValue> series_of(const std::vector<DailyFigures>& days, const std::string& kpi) {
  std::vector<DailyValue> series;
  for (const DailyFigures& each : days) {
    const auto value = each.values.find(kpi);
    if (value == each.values.end()) continue;
    series.push_back(
        {static_cast<int>((each.day - days.front().day) / std::chrono::days(1)), value->second});
  }
  return series;
}

TrendCourse course_of(const std::string& kpi, const Trend& trend) {
  if (!trend.rises() && !trend.falls()) return TrendCourse::none;
  const bool is_better = trend.rises() == (better_direction(kpi) == Better::higher);
  return is_better ? TrendCourse::improves : TrendCourse::worsens;
}

std::vector<KpiTrend> trends_over(const std::vector<DailyFigures>& days) {
  std::vector<KpiTrend> trends;
  for (const std::string& kpi : core_kpis()) {
    const auto series = series_of(days, kpi);
    KpiTrend each{kpi, static_cast<int>(series.size()), {}, TrendCourse::none};
    if (series.size() >= 2) {
      each.trend = find_trend(series);
      each.course = course_of(kpi, each.trend);
    }
    trends.push_back(std::move(each));
  }
  return trends;
}

const KpiTrend& trend_of(const std::vector<KpiTrend>& trends, const std::string& kpi) {
  return *std::find_if(trends.begin(), trends.end(),
                       [&](const KpiTrend& each) { return each.kpi == kpi; });
}

TrendAnswer two_improved(const std::vector<KpiTrend>& fortnight) {
  const auto improved = std::count_if(fortnight.begin(), fortnight.end(), [](const KpiTrend& each) {
    return each.days >= kLeastOfFortnight && each.course == TrendCourse::improves;
  });
  if (improved >= 2) return TrendAnswer::yes;
  const auto known = std::count_if(fortnight.begin(), fortnight.end(), [](const KpiTrend& each) {
    return each.days >= kLeastOfFortnight;
  });
  return known >= 2 ? TrendAnswer::no : TrendAnswer::not_enough_data;
}

TrendAnswer failures_fell(const std::vector<KpiTrend>& month,
                          const std::vector<DailyFigures>& days) {
  const KpiTrend& success = trend_of(month, "pipeline_success_rate");
  const KpiTrend& verification = trend_of(month, "verification_failed_rate");
  if (success.days < kLeastOfMonth || verification.days < kLeastOfMonth) {
    return TrendAnswer::not_enough_data;
  }
  const auto is_always = [&](const std::string& kpi, double value) {
    return std::all_of(days.begin(), days.end(), [&](const DailyFigures& day) {
      const auto found = day.values.find(kpi);
      return found == day.values.end() || found->second == value;
    });
  };
  // What is perfect every day cannot become better: it counts as fewer.
  const bool fewer_failures =
      success.course == TrendCourse::improves || is_always("pipeline_success_rate", 1);
  const bool fewer_misses =
      verification.course == TrendCourse::improves || is_always("verification_failed_rate", 0);
  return fewer_failures && fewer_misses ? TrendAnswer::yes : TrendAnswer::no;
}

}  // namespace

std::string_view to_string(TrendAnswer answer) {
  constexpr std::array<std::string_view, 3> kWords{"yes", "no", "not enough data"};
  return kWords.at(static_cast<std::size_t>(answer));
}

std::string_view to_string(TrendCourse course) {
  constexpr std::array<std::string_view, 3> kWords{"improves", "worsens", "none"};
  return kWords.at(static_cast<std::size_t>(course));
}

TrendReport judge_trends(const std::vector<DailyFigures>& history, TimePoint as_of) {
  const std::vector<DailyFigures> month = last_days(history, as_of, kMonth);
  TrendReport report;
  report.fortnight = trends_over(last_days(history, as_of, kFortnight));
  report.month = trends_over(month);
  report.two_improved = two_improved(report.fortnight);
  report.failures_fell = failures_fell(report.month, month);
  return report;
}

}  // namespace dagloop
