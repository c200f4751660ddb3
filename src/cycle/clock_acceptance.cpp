// What a clock that was set back does to the state, once an operator has said that it is right.
#include <algorithm>

#include "dagloop/cycle/forward_clock.hpp"
#include "dagloop/cycle/manual_change.hpp"
#include "dagloop/cycle/policy_situation.hpp"

namespace dagloop {

ManualResult accept_clock(const ChangeContext& context, TickMode mode) {
  const auto lock = lock_for_change(context, mode);
  CycleState state = context.store.load();
  const TimePoint now = context.clock.now();
  const TimePoint known =
      std::max(newest_event_time(context.store), state.in_force_since.value_or(now));
  if (state.intent) {
    throw Error(ErrorKind::conflict, context.config.state, "a change was interrupted",
                "let a tick, or --rollback --apply, finish or undo it first");
  }
  if (known <= now) return {ExitCode::done, "", {"the state knows of no time after now"}};
  const std::string why = "the clock was set back from " + format_time(known);
  if (mode == TickMode::dry_run) return {ExitCode::done, "", {"dry run: " + why}};
  const auto at_most = [](std::optional<TimePoint>& time, TimePoint latest) {
    if (time) time = std::min(*time, latest);
  };
  // Only times after now are moved. The journal keeps the old ones: it is never rewritten.
  at_most(state.in_force_since, now);
  at_most(state.cooldown_until, now + context.config.decision.cooldown);
  if (state.change) state.change->applied_at = std::min(state.change->applied_at, now);
  if (!state.pending_decision.is_null()) {
    state.pending_decision = Json();  // its expiry was reckoned by the other clock
    state.phase = Phase::rejected;
  }
  context.store.commit(state, {{now, EventType::adopted, context.actor, "", Json(),
                                values_to_json(state.in_force), why}});
  return {ExitCode::done, "", {why + "; what lay after now counts from now"}};
}

}  // namespace dagloop
