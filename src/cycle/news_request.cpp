#include "dagloop/cycle/news_request.hpp"

#include <algorithm>

namespace dagloop {
namespace {

constexpr Microseconds kDay = std::chrono::hours(24);

}  // namespace

bool WarmUp::begins_at(TimePoint slot) const {
  return (step && floor_to_slot(*step) == slot) || (before && floor_to_slot(*before) == slot);
}

std::vector<WarmPart> WarmUp::parts(const Window& window) const {
  std::vector<WarmPart> parts{{window, std::nullopt}};
  for (const auto& change : {before, step}) {
    if (!change) continue;
    // A slot in which the policy changed is one of the new policy: of its runs none is warm.
    WarmPart& last = parts.back();
    const TimePoint from = std::max(floor_to_slot(*change), last.window.start);
    if (from >= last.window.end) continue;
    const WarmPart after{{from, last.window.end}, *change + length};
    last.window.end = from;
    if (last.window.start == from) parts.pop_back();
    parts.push_back(after);
  }
  return parts;
}

bool WarmUp::is_cold(const Window& window) const {
  return std::ranges::all_of(parts(window), [](const WarmPart& part) {
    return part.begun_from && part.window.end <= *part.begun_from;
  });
}

std::vector<Window> mirrored(TimePoint since, TimePoint from, TimePoint to) {
  std::vector<Window> windows;
  for (TimePoint start = std::max(from, since); start < to;) {
    const auto day = (start - since) / kDay;
    const TimePoint end = std::min(to, since + (day + 1) * kDay);
    // Day n after the start is held against day n before it, whole days apart: same hours, and
    // nothing is counted on both sides. So day 0 goes back 1 day, day 1 goes back 3.
    const Microseconds back = (2 * day + 1) * kDay;
    windows.push_back({start - back, end - back});
    start = end;
  }
  return windows;
}

}  // namespace dagloop
