#include "dagloop/cycle/daily_history.hpp"

#include <algorithm>

namespace dagloop {
namespace {

// Trends look back at 30 days. Twice that is kept and no more: the state stays small.
constexpr std::size_t kMostDays = 62;

}  // namespace

std::optional<Window> day_to_read(const std::vector<DailyFigures>& history, TimePoint as_of,
                                  const Config& config) {
  const Window day = last_whole_day(as_of);
  const auto& sources = config.input.sources;
  // Standard input can be read once, and the decision comes first.
  if (std::find(sources.begin(), sources.end(), "-") != sources.end()) return std::nullopt;
  // Before that, records of the day may still come in. A day is read once and never mended.
  if (as_of - day.end < config.input.lateness) return std::nullopt;
  if (!history.empty() && history.back().day >= day.start) return std::nullopt;
  return day;
}

DailyFigures read_day(LogSource& source, const Window& day, const Config& config,
                      const Clock& clock) {
  const PartialSet partials =
      // A run belongs to the day of its end, and its records may be older: the horizon is read with
      // it.
      source.read(LogQuery{Window{day.start - config.input.run_horizon, day.end},
                           clock.now() + config.input.future_skew,
                           {day.start, day.end}});
  return daily_figures(day.start, partials.sum(day, Population::dag));
}

void keep_day(std::vector<DailyFigures>& history, DailyFigures figures) {
  history.push_back(std::move(figures));
  if (history.size() > kMostDays) history.erase(history.begin());
}

}  // namespace dagloop
