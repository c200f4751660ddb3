// Since when a change was allowed, from when on it counts, when its trigger fired, and how long a
// policy cools down. Pure.
#pragma once

#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/policy/approval.hpp"

namespace dagloop {

/// Returns since when a change was allowed: when the last of `approvals` was given, `now` where it
/// took none.
TimePoint allowed_time(const std::vector<Approval>& approvals, TimePoint now);

/// Returns from when on a change made now counts: now for a live decision; for one made about the
/// past (`--as-of`), its own as_of plus the time that went by since.
TimePoint effective_time(const Decision& decision, TimePoint now);

/// Returns when the trigger of a rollback fired: at the end of the slots whose evidence a live
/// decision has; when it was made for one about the past.
TimePoint trigger_time(const Decision& decision);

/// Returns how long a policy cools down that was rolled back `rollbacks` (>= 1) times: `first`,
/// doubled for each time after that, within limits.
Microseconds cooldown_after(int rollbacks, Microseconds first);

}  // namespace dagloop
