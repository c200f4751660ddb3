// The machine's clock as the loop takes it: never before the newest event of the journal. Clocks
// are set back and jump; what expired must not come back to life for that. For one thread.
#pragma once

#include <optional>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// Tells the machine's time, or `floor` where the machine's clock lies before it.
class ForwardClock final : public Clock {
 public:
  ForwardClock(const Clock& machine, TimePoint floor) : machine_(machine), floor_(floor) {}
  TimePoint now() const override;

 private:
  const Clock& machine_;
  TimePoint floor_;
};

/// Returns the time of the journal's newest event; the earliest time where there is none.
///
/// Errors: what the store throws.
TimePoint newest_event_time(StateStore& store);

/// Returns what is wrong when the machine's clock lies more than `tolerance` before `known`, a time
/// that has been: no decision can rely on it then.
std::optional<Error> clock_fault(TimePoint machine, TimePoint known, Microseconds tolerance);

}  // namespace dagloop
