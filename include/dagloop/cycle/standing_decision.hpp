// Whether a decision stands: waits for approval, was applied, or has ended, and how; and whether it
// fits what is in force.
#pragma once

#include <optional>
#include <string>

#include "dagloop/cycle/policy_situation.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// Returns whether a decision is the one that waits for approval.
bool is_proposed(const CycleState& state, const std::string& digest);

/// Returns whether a decision was applied, or began to be.
bool is_used(const CycleState& state, const std::string& digest);

/// Returns how a decision that was proposed ended, from the journal: "it was withdrawn at ...";
/// nullopt where the journal knows no such proposal.
std::optional<std::string> end_of_decision(StateStore& store, const std::string& digest);

/// Checks that a decision can be carried out as things are: forward, the service gets what the env
/// file says; its keys are on the allowlist; and the env file is the one that it saw.
///
/// Errors: Error{config}, Error{conflict}.
void check_decision(const PolicySituation& situation, const Decision& decision,
                    const PolicyConfig& policy);

}  // namespace dagloop
