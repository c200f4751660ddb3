// Private to the state layer: what a store keeps as text -> values.
#pragma once

#include <cstdint>
#include <string>

#include "dagloop/state/cycle_state.hpp"
#include "dagloop/state/journal.hpp"

namespace dagloop {

/// Returns the text of a state: its document with a member `sha256` of all the others.
std::string stored_state_text(const CycleState& state);

/// Reads that text; one without `sha256`, of an earlier release, is taken as it is.
///
/// Errors: Error{preflight} naming `where` when it is no state, or another than was written.
CycleState read_stored_state(const std::string& text, const std::string& where);

/// Reads the journal entry in place `sequence`.
///
/// Shape: anything but the canonical form of an entry in its place is somebody's edit: such an
/// entry
///        comes back without its hash, which journal_fault() reports.
JournalEntry read_stored_entry(const std::string& text, std::uint64_t sequence,
                               const std::string& where);

}  // namespace dagloop
