// Private to the state layer: what a store keeps as text -> values.
#pragma once

#include <cstdint>
#include <string>

#include "dagloop/state/cycle_state.hpp"
#include "dagloop/state/journal.hpp"

namespace dagloop {

/// Reads a state document. Errors: Error{preflight} naming `where`.
CycleState read_stored_state(const std::string& text, const std::string& where);

/// Reads the journal entry in place `sequence`.
///
/// Shape: anything but the canonical form of an entry in its place is somebody's edit: such an
/// entry
///        comes back without its hash, which journal_fault() reports.
JournalEntry read_stored_entry(const std::string& text, std::uint64_t sequence,
                               const std::string& where);

}  // namespace dagloop
