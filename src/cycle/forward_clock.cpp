#include "dagloop/cycle/forward_clock.hpp"

#include <algorithm>

namespace dagloop {

// Entries of the journal, cool-downs and soak times only ever go forward, whatever the clock does.
TimePoint ForwardClock::now() const { return std::max(machine_.now(), floor_); }

TimePoint newest_event_time(StateStore& store) {
  const auto newest = read_entries(store.newest_records().journal);
  return newest.empty() ? TimePoint{} : newest.front().event.at;
}

std::optional<Error> clock_fault(TimePoint machine, TimePoint known, Microseconds tolerance) {
  // A small step back is usual where time is synchronised; records are given the same tolerance.
  if (machine + tolerance >= known) return std::nullopt;
  return Error(ErrorKind::preflight, "clock",
               "reads " + format_time(machine) + ", but the state knows of " + format_time(known),
               "set the clock; if it is right and the state's time is not, run apply_dag_policy "
               "--accept-clock --apply");
}

}  // namespace dagloop
