// What a store holds, word for word, and whether it is what was committed: the chain of the
// journal, its head, and the state, for which the newest entry vouches. Pure values and functions;
// every store reads through them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/state/cycle_state.hpp"
#include "dagloop/state/journal.hpp"

namespace dagloop {

/// The row of the state, with that of its evidence.
struct StoredState {
  std::uint64_t version = 0;  // commits so far
  std::string document;
  JournalHead head;
  std::string evidence = {};         // "": none
  bool is_evidence_readable = true;  // false: its pages are damaged
};

/// A state as it is stored: the evidence apart, for it is most of it. The document has its digest.
struct StateDocuments {
  std::string state;
  std::string evidence;                // "": none
  bool keeps_stored_evidence = false;  // what is stored as evidence is not to be touched
};

/// Returns the documents of a state.
StateDocuments documents_of(const CycleState& state);

/// Reads them back (without `version`). What an earlier version collected as evidence is left
/// behind: CycleState::has_earlier_evidence.
///
/// Errors: Error{preflight} naming `where` when they are no state of this version, or the evidence
///         is not the one that belongs to the state.
CycleState state_of(const StateDocuments& documents, const std::string& where);

/// A row of the journal.
struct StoredEntry {
  std::uint64_t sequence = 0;
  std::string document;
};

/// All rows, read at one moment.
struct StoredRecords {
  std::optional<StoredState> state;  // nullopt: nothing was committed yet
  std::vector<StoredEntry> journal;  // in the order of `sequence`
};

/// What to do about records that are not what was committed.
inline constexpr std::string_view kTamperedRemedy =
    "stop the cycle, keep the store, and restore it from a backup";

/// Returns the digest of a state that its journal entries carry.
///
/// Source: docs/formats.md, "State and journal".
std::string state_sha256(std::uint64_t version, std::string_view document);

/// Returns what is wrong with the records, nullopt if nothing: any change of a byte of the journal,
/// of its head, of the state, or of its evidence; entries removed, added or reordered.
///
/// Shape: what was cut or rewritten consistently from some entry on is seen by head_fault() alone.
/// Cost:  O(bytes).
std::optional<std::string> records_fault(const StoredRecords& records);

/// Returns the state, checked against the newest entry of the journal; the default state where
/// nothing was committed yet.
///
/// Shape:  of `records.journal` the newest entry suffices.
/// Errors: Error{preflight} naming `where` when it is no state of this version or not the one that
///         was committed.
CycleState checked_state(const StoredRecords& records, const std::string& where);

/// Returns the same state without its evidence, where that alone is not what was committed
/// (CycleState::lost_evidence); nullopt where it is, or where more is wrong.
std::optional<CycleState> state_but_for_evidence(const StoredRecords& records,
                                                 const std::string& where);

/// Reads the entries of the journal.
///
/// Shape: anything but the canonical form of an entry in its place is somebody's edit: such an
///        entry comes back without its hash, which journal_fault() reports.
std::vector<JournalEntry> read_entries(const std::vector<StoredEntry>& rows);

}  // namespace dagloop
