#include "stored_documents.hpp"

#include <utility>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kDigest = "sha256";
constexpr std::string_view kRestore = "restore the state from a backup";

// A bit that flipped on the disk must not become another policy to go back to.
void check_digest(const Json& document, const std::string& where) {
  const Json* stored = document.find(kDigest);
  if (stored == nullptr) return;
  Json::Object rest;
  for (const auto& member : document.as_object()) {
    if (member.first != kDigest) rest.push_back(member);
  }
  if (*stored != Json(sha256_hex(to_canonical_json(Json(std::move(rest)))))) {
    throw Error(ErrorKind::preflight, where, "the state is not the one that was written", kRestore);
  }
}

}  // namespace

std::string stored_state_text(const CycleState& state) {
  Json document = cycle_state_to_json(state);
  document[kDigest] = sha256_hex(to_canonical_json(document));
  return to_compact_json(document);
}

CycleState read_stored_state(const std::string& text, const std::string& where) {
  Json document;
  try {
    document = parse_json(text, where);
  } catch (const Error& error) {
    throw Error(ErrorKind::preflight, where, error.what(), kRestore);
  }
  check_digest(document, where);
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
