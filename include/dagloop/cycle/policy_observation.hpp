// The policy found in force, and what the state knows of those before. Pure but for its inputs.
#pragma once

#include <string>
#include <vector>

#include "dagloop/decide/decision.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// Returns what a decision needs to know of the state.
PolicyHistory policy_history(const CycleState& state);

/// Who saw the env file, and when.
struct Observation {
  std::string actor;
  TimePoint at;            // by the machine's clock
  TimePoint effective_at;  // from when on runs count as made under the policy seen
};

/// Takes over the policy found in force where the loop did not write it: at first sight as a policy
/// to go back to, later as somebody's edit, which ends a verification under way.
///
/// Order: commit `state` with the events returned; none are returned where nothing changed.
std::vector<JournalEvent> observe_policy(CycleState& state, const PolicyValues& values,
                                         const Observation& observation);

/// Tells of the rollback that put the present policy in force: when, what, why, and until when the
/// cool-down is where it is not over; empty where none did.
std::string rollback_story(const CycleState& state, const std::string& rollout_key, TimePoint now);

/// Says for the operator what observe_policy() found.
std::string found_note(const JournalEvent& adopted);

}  // namespace dagloop
