#include "state/daily_figures_json.hpp"

#include "state/restore.hpp"

namespace dagloop {
namespace {

DailyFigures read_figures(const JsonReader& reader) {
  DailyFigures figures;
  figures.day = reader.at("day").time();
  const std::int64_t runs = reader.at("runs").integer();
  if (runs < 0) reader.fail("a count is negative", kRestore);
  figures.runs = static_cast<std::uint64_t>(runs);
  for (const auto& [kpi, value] : reader.at("values").members()) {
    figures.values[kpi] = value.number();
  }
  return figures;
}

}  // namespace

Json days_to_json(const std::vector<DailyFigures>& days) {
  Json::Array array;
  for (const DailyFigures& figures : days) {
    Json values = Json::object();
    for (const auto& [kpi, value] : figures.values) values[kpi] = value;
    array.push_back(Json::object({{"day", format_time(figures.day)},
                                  {"runs", figures.runs},
                                  {"values", std::move(values)}}));
  }
  return Json(std::move(array));
}

std::vector<DailyFigures> read_days(const JsonReader& reader) {
  std::vector<DailyFigures> days;
  for (const JsonReader& each : reader.elements()) {
    days.push_back(read_figures(each));
    const bool follows = days.size() < 2 || days[days.size() - 2].day < days.back().day;
    if (!follows) each.fail("the days are not in ascending order", kRestore);
  }
  return days;
}

}  // namespace dagloop
