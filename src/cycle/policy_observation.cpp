#include "dagloop/cycle/policy_observation.hpp"

#include "dagloop/base/json_reader.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {

PolicyHistory policy_history(const CycleState& state) {
  PolicyHistory history;
  if (state.phase == Phase::verifying) {
    history.change = PolicyHistory::ChangeState::under_verification;
    history.before_since = state.change->before_since;
    for (const auto& [key, change] : state.change->patch) {
      history.before_change[key] = change.before;
    }
  }
  history.verified = state.verified;
  history.in_force_since = state.in_force_since;
  history.cooldown_until = state.cooldown_until;
  history.rolled_back = state.rolled_back;
  history.excluded = state.excluded;
  history.ledger = state.predictions;
  if (state.pending_decision.is_null()) return history;
  const JsonReader pending(state.pending_decision, "the pending decision");
  // So a recommendation of the same value is kept, not replaced by one that is a little better:
  // else an approver could never keep up.
  for (const auto& [key, change] : patch_from_json(pending.at("patch"))) {
    history.proposed[key] = change.after;
  }
  return history;
}

namespace {

Patch changes_between(const PolicyValues& before, const PolicyValues& after) {
  Patch patch;
  for (const auto& [key, value] : before) {
    const auto now = after.find(key);
    if (now != after.end() && now->second != value) patch[key] = {value, now->second};
  }
  return patch;
}

}  // namespace

std::vector<JournalEvent> observe_policy(CycleState& state, const PolicyValues& values,
                                         const Observation& observation) {
  // A map of the allowlisted keys alone: edits of other lines are not the loop's business.
  if (state.in_force == values) return {};
  const bool first = state.in_force.empty();
  JournalEvent event{observation.at, EventType::adopted,     observation.actor, "",
                     Json(),         values_to_json(values), "found in force"};
  if (first) {
    state.verified = {values};  // what the operators run today is what the loop may go back to
  } else {
    event.before = values_to_json(state.in_force);
    mark_undone(state.predictions, changes_between(state.in_force, values));
    event.why = "changed outside the loop";
    state.in_force_since = observation.effective_at;
    state.rolled_back.reset();
    if (state.change) {
      state.change.reset();
      state.phase = Phase::idle;
      event.why += "; the change under verification can no longer be judged";
    }
  }
  state.in_force = values;
  return {event};
}

std::string rollback_story(const CycleState& state, const std::string& rollout_key, TimePoint now) {
  if (!state.rolled_back) return "";
  std::string story = rollback_text(*state.rolled_back, rollout_key);
  if (state.cooldown_until && now < *state.cooldown_until)
    story += "; cool-down until " + format_time(*state.cooldown_until);
  return story;
}

std::string found_note(const JournalEvent& adopted) {
  return adopted.before.is_null() ? "this env file is seen for the first time: a rollback goes "
                                    "back to the policy in it now"
                                  : "the policy in the env file was " + adopted.why;
}

}  // namespace dagloop
