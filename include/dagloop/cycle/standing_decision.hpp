// Whether a decision stands: waits for approval, was applied, or has ended, and how.
#pragma once

#include <optional>
#include <string>

#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// Returns whether a decision is the one that waits for approval.
bool is_proposed(const CycleState& state, const std::string& digest);

/// Returns whether a decision was applied, or began to be.
bool is_used(const CycleState& state, const std::string& digest);

/// Returns how a decision that was proposed ended, from the journal: "it was withdrawn at ...";
/// nullopt where the journal knows no such proposal.
std::optional<std::string> end_of_decision(StateStore& store, const std::string& digest);

}  // namespace dagloop
