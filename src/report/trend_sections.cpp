#include <fmt/format.h>

#include "dagloop/report/documents.hpp"
#include "report/figures.hpp"
#include "report/page_sections.hpp"

namespace dagloop {
namespace {

constexpr const char* kTwoImproved = "at least two of the core KPIs improved over two weeks";
constexpr const char* kFailuresFell =
    "failures and failed verifications became fewer over the month";

std::string show_slope(const KpiTrend& trend) {
  if (trend.days < 2) return "";
  const double slope = trend.trend.slope_per_day;
  if (trend.kpi == "p95_latency_ms") return fmt::format("{:+.3g} ms", slope);
  return fmt::format("{:+.2g} pp", 100 * slope);
}

std::string show_p(const KpiTrend& trend) {
  return trend.trend.p_value ? fmt::format("{:.2g}", *trend.trend.p_value) : "";
}

Json trends_array(const std::vector<KpiTrend>& trends) {
  Json::Array array;
  for (const KpiTrend& each : trends) {
    array.push_back(Json::object({{"kpi", each.kpi},
                                  {"days", each.days},
                                  {"slope_per_day", each.trend.slope_per_day},
                                  {"tau", or_null(each.trend.tau)},
                                  {"p_value", or_null(each.trend.p_value)},
                                  {"course", to_string(each.course)}}));
  }
  return Json(std::move(array));
}

}  // namespace

Json trends_to_json(const TrendReport& trends, TimePoint as_of) {
  return Json::object({{"schema", "dagloop.trends/1"},
                       {"as_of", format_time(as_of)},
                       {"two_improved", to_string(trends.two_improved)},
                       {"failures_fell", to_string(trends.failures_fell)},
                       {"fortnight", trends_array(trends.fortnight)},
                       {"month", trends_array(trends.month)}});
}

void add_trend_section(Page& page, const TrendReport& trends) {
  page.emplace_back(Heading{2, "Trends"});
  page.emplace_back(
      BulletList{{fmt::format("{}: {}", kTwoImproved, to_string(trends.two_improved)),
                  fmt::format("{}: {}", kFailuresFell, to_string(trends.failures_fell))}});
  Table table{{"KPI", "over", "days", "a day", "p", "course"}, {}};
  const auto add = [&](const std::vector<KpiTrend>& all, const char* over) {
    for (const KpiTrend& each : all) {
      // Of one day there is no slope.
      if (each.days < 2) continue;
      table.rows.push_back({each.kpi, over, std::to_string(each.days), show_slope(each),
                            show_p(each), std::string(to_string(each.course))});
    }
  };
  add(trends.fortnight, "14 days");
  add(trends.month, "30 days");
  if (!table.rows.empty()) page.emplace_back(std::move(table));
}

}  // namespace dagloop
