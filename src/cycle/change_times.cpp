#include "dagloop/cycle/change_times.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

// 1024 times the first: with a day, nearly three years. It is there to keep the shift in range.
constexpr int kMaxCooldownDoublings = 10;

// A decision made as of now speaks for a time at most a slot ago; an older one is a rehearsal.
bool is_live(const Decision& decision) {
  constexpr auto kLive = 2 * kSlot;
  return decision.generated_at - decision.as_of <= kLive;
}

}  // namespace

TimePoint allowed_time(const std::vector<Approval>& approvals, TimePoint now) {
  // Of two approvals the later one allowed it.
  if (approvals.empty()) return now;
  return std::max(approvals.front().approved_at, approvals.back().approved_at);
}

TimePoint effective_time(const Decision& decision, TimePoint now) {
  if (is_live(decision)) return now;
  // A rehearsal in the past: its clock runs on from as_of as the real one does.
  return decision.as_of + (now - decision.generated_at);
}

TimePoint trigger_time(const Decision& decision) {
  return is_live(decision) ? std::min(decision.as_of, decision.generated_at)
                           : decision.generated_at;
}

Microseconds cooldown_after(int rollbacks, Microseconds first) {
  DAGLOOP_ASSERT(rollbacks >= 1);
  return first * (1 << std::min(rollbacks - 1, kMaxCooldownDoublings));
}

}  // namespace dagloop
