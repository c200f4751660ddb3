#include "dagloop/state/stored_records.hpp"

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "state/evidence_json.hpp"
#include "state/restore.hpp"

namespace dagloop {
namespace {

constexpr const char* kEvidenceDigest = "evidence_sha256";

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

// The document of the state vouches for the evidence, as the journal does for the document.
std::optional<std::string> evidence_fault(const Json& document, std::string_view evidence) {
  const Json* digest = document.find(kEvidenceDigest);
  if (digest == nullptr || digest->is_null()) return std::nullopt;  // none of it is read
  if (digest->is_string() && digest->as_string() == sha256_hex(evidence)) return std::nullopt;
  return "the evidence was edited: it is not the one that the state was committed with";
}

// A document that is none is no fault of the chain: whoever reads the state tells it.
std::optional<std::string> evidence_fault(const StoredState& state) {
  if (!state.is_evidence_readable) return "the evidence cannot be read: the file is damaged";
  try {
    return evidence_fault(parse_json(state.document, "state"), state.evidence);
  } catch (const Error&) {
    return std::nullopt;
  }
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

StateDocuments documents_of(const CycleState& state) {
  StateDocuments documents;
  documents.keeps_stored_evidence = state.lost_evidence.has_value();
  const Json evidence = evidence_to_json(state.evidence);
  if (!evidence.is_null() && !state.lost_evidence) documents.evidence = to_compact_json(evidence);
  Json document = cycle_state_to_json(state);
  const std::string digest = documents.evidence.empty() ? state.lost_evidence.value_or("")
                                                        : sha256_hex(documents.evidence);
  document.as_object().emplace_back(kEvidenceDigest, digest.empty() ? Json() : Json(digest));
  documents.state = to_compact_json(document);
  return documents;
}

CycleState state_of(const StateDocuments& documents, const std::string& where) {
  try {
    const Json document = parse_json(documents.state, where);
    if (const auto fault = evidence_fault(document, documents.evidence)) {
      throw Error(ErrorKind::preflight, where, *fault, kTamperedRemedy);
    }
    CycleState state = cycle_state_from_json(document, where);
    const Json* digest = document.find(kEvidenceDigest);
    if (digest != nullptr && !digest->is_null()) {
      state.evidence = read_evidence(JsonReader(parse_json(documents.evidence, where), where));
    }
    return state;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::preflight) throw;
    // To the reader this is a bad document; to the cycle a store that it cannot rely on.
    throw Error(ErrorKind::preflight, where, error.what(), kRestore);
  }
}

std::string state_sha256(std::uint64_t version, std::string_view document) {
  // With the version: an older state, put back whole, must not pass for the newest.
  return sha256_hex(std::to_string(version).append("\n").append(document));
}

std::optional<std::string> records_fault(const StoredRecords& records) {
  const JournalHead head = records.state ? records.state->head : JournalHead{};
  if (auto fault = journal_fault(read_entries(records.journal), head)) return fault;
  if (auto fault = newest_fault(records)) return fault;
  return records.state ? evidence_fault(*records.state) : std::nullopt;
}

CycleState checked_state(const StoredRecords& records, const std::string& where) {
  if (const auto fault = newest_fault(records)) {
    throw Error(ErrorKind::preflight, where, *fault, kTamperedRemedy);
  }
  if (!records.state) return {};
  if (const auto fault = evidence_fault(*records.state)) {
    throw Error(ErrorKind::preflight, where, *fault, kTamperedRemedy);
  }
  CycleState state = state_of({records.state->document, records.state->evidence}, where);
  state.version = records.state->version;
  return state;
}

std::optional<CycleState> state_but_for_evidence(const StoredRecords& records,
                                                 const std::string& where) {
  if (!records.state || newest_fault(records) || !evidence_fault(*records.state)) {
    return std::nullopt;
  }
  const Json document = parse_json(records.state->document, where);
  CycleState state = cycle_state_from_json(document, where);
  state.version = records.state->version;
  const Json* digest = document.find(kEvidenceDigest);
  state.lost_evidence = digest != nullptr && digest->is_string() ? digest->as_string() : "";
  return state;
}

std::vector<JournalEntry> read_entries(const std::vector<StoredEntry>& rows) {
  std::vector<JournalEntry> entries;
  entries.reserve(rows.size());
  for (const StoredEntry& row : rows) entries.push_back(read_entry(row));
  return entries;
}

}  // namespace dagloop
