#include "state/daily_figures_json.hpp"

#include "dagloop/base/struct_codec.hpp"
#include "state/restore.hpp"

namespace dagloop {
namespace {

constexpr auto kFigures = fields_of<DailyFigures>(
    field("day", &DailyFigures::day),
    field("runs", &DailyFigures::runs, Count{"a count is negative", kRestore}),
    field("values", &DailyFigures::values));

}  // namespace

Json days_to_json(const std::vector<DailyFigures>& days) { return write_json(kFigures, days); }

std::vector<DailyFigures> read_days(const JsonReader& reader) {
  std::vector<DailyFigures> days;
  for (const JsonReader& each : reader.elements()) {
    days.push_back(read_json<DailyFigures>(kFigures, each));
    // Trends take neighbours in the list for neighbours in time.
    const bool follows = days.size() < 2 || days[days.size() - 2].day < days.back().day;
    if (!follows) each.fail("the days are not in ascending order", kRestore);
  }
  return days;
}

}  // namespace dagloop
