// Private to the state layer: the figures of days in a state document.
#pragma once

#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/kpi/daily_figures.hpp"

namespace dagloop {

Json days_to_json(const std::vector<DailyFigures>& days);

/// Errors: Error{config} for days that are not in ascending order, or no document of this kind.
std::vector<DailyFigures> read_days(const JsonReader& reader);

}  // namespace dagloop
