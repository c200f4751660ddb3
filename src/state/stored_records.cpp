#include "dagloop/state/stored_records.hpp"

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "state/restore.hpp"

namespace dagloop {
namespace {

JournalEntry read_entry(const StoredEntry& row) {
  try {
    JournalEntry entry = journal_entry_from_json(parse_json(row.document, "journal"), "journal");
    // The hash covers the members that are known. Whatever else stands in the row (another member,
    // a repeated one) would not be covered, so only the canonical bytes count.
    if (to_canonical_json(journal_entry_to_json(entry)) != row.document) entry.hash.clear();
    if (entry.sequence == row.sequence) return entry;
  } catch (const Error&) {
    // told apart below: the entry has no hash
  }
  JournalEntry edited;
  edited.sequence = row.sequence;
  return edited;
}

std::optional<std::string> state_fault(const StoredState& state, const JournalEntry& newest) {
  // Entries of version 1 vouch for no state.
  if (newest.state_sha256.empty() ||
      newest.state_sha256 == state_sha256(state.version, state.document)) {
    return std::nullopt;
  }
  return "the state was edited: it is not the one that entry " + std::to_string(newest.sequence) +
         " of the journal was committed with";
}

// The newest entry on its own: whether it is what the head says, and vouches for the state.
std::optional<std::string> newest_fault(const StoredRecords& records) {
  if (!records.state && records.journal.empty()) return std::nullopt;
  if (!records.state) return "the state is gone, its journal is not";
  if (records.journal.empty()) return "the journal is gone, the state is not";
  const JournalEntry newest = read_entry(records.journal.back());
  if (auto fault = link_fault(newest, records.state->head)) return fault;
  return state_fault(*records.state, newest);
}

}  // namespace

std::string state_sha256(std::uint64_t version, std::string_view document) {
  // With the version: an older state, put back whole, must not pass for the newest.
  return sha256_hex(std::to_string(version).append("\n").append(document));
}

std::optional<std::string> records_fault(const StoredRecords& records) {
  const JournalHead head = records.state ? records.state->head : JournalHead{};
  if (auto fault = journal_fault(read_entries(records.journal), head)) return fault;
  return newest_fault(records);
}

CycleState checked_state(const StoredRecords& records, const std::string& where) {
  if (const auto fault = newest_fault(records)) {
    throw Error(ErrorKind::preflight, where, *fault, kTamperedRemedy);
  }
  if (!records.state) return {};
  Json document;
  try {
    document = parse_json(records.state->document, where);
  } catch (const Error& error) {
    throw Error(ErrorKind::preflight, where, error.what(), kRestore);
  }
  CycleState state = cycle_state_from_json(document, where);
  state.version = records.state->version;
  return state;
}

std::vector<JournalEntry> read_entries(const std::vector<StoredEntry>& rows) {
  std::vector<JournalEntry> entries;
  entries.reserve(rows.size());
  for (const StoredEntry& row : rows) entries.push_back(read_entry(row));
  return entries;
}

}  // namespace dagloop
