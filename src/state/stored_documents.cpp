#include "stored_documents.hpp"

#include "dagloop/base/error.hpp"

namespace dagloop {

CycleState read_stored_state(const std::string& text, const std::string& where) {
  Json document;
  try {
    document = parse_json(text, where);
  } catch (const Error& error) {
    throw Error(ErrorKind::preflight, where, error.what(), "restore the state from a backup");
  }
  return cycle_state_from_json(document, where);
}

JournalEntry read_stored_entry(const std::string& text, std::uint64_t sequence,
                               const std::string& where) {
  try {
    JournalEntry entry = journal_entry_from_json(parse_json(text, where), where);
    if (to_canonical_json(journal_entry_to_json(entry)) != text) entry.hash.clear();
    if (entry.sequence == sequence) return entry;
  } catch (const Error&) {
    // told apart below: the entry has no hash
  }
  JournalEntry edited;
  edited.sequence = sequence;
  return edited;
}

}  // namespace dagloop
