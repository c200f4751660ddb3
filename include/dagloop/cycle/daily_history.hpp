// The figures of whole days, kept for trends. Composes source and kpi.
#pragma once

#include <optional>
#include <vector>

#include "dagloop/base/clock.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/kpi/daily_figures.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns the last whole day before `as_of` where `history` lacks it and its records are in;
/// nullopt: there is nothing to read.
///
/// Shape: no day is read twice, so a source that can be read only once ("-") gives none.
std::optional<Window> day_to_read(const std::vector<DailyFigures>& history, TimePoint as_of,
                                  const Config& config);

/// Reads the figures of one day.
///
/// Errors: what the source throws.
DailyFigures read_day(LogSource& source, const Window& day, const Config& config,
                      const Clock& clock);

/// Adds a day behind the others, and forgets what is older than two months.
void keep_day(std::vector<DailyFigures>& history, DailyFigures figures);

}  // namespace dagloop
