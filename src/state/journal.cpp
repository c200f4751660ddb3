#include "dagloop/state/journal.hpp"

#include <array>
#include <utility>

#include "dagloop/base/digest.hpp"

namespace dagloop {
namespace {

constexpr std::array<std::pair<EventType, std::string_view>, 15> kTypes{{
    {EventType::adopted, "adopted"},
    {EventType::proposed, "proposed"},
    {EventType::approved, "approved"},
    {EventType::refused, "refused"},
    {EventType::rejected, "rejected"},
    {EventType::expired, "expired"},
    {EventType::apply_started, "apply_started"},
    {EventType::applied, "applied"},
    {EventType::rollback_started, "rollback_started"},
    {EventType::rolled_back, "rolled_back"},
    {EventType::undone, "undone"},
    {EventType::hook_failed, "hook_failed"},
    {EventType::verified, "verified"},
    {EventType::verification_failed, "verification_failed"},
    {EventType::conflict, "conflict"},
}};

// Everything that the hash covers.
Json covered_part(const JournalEntry& entry) {
  const JournalEvent& event = entry.event;
  return Json::object({{"sequence", entry.sequence},
                       {"at", format_time(event.at)},
                       {"type", to_string(event.type)},
                       {"actor", event.actor},
                       {"decision_digest", event.decision_digest},
                       {"before", event.before},
                       {"after", event.after},
                       {"why", event.why},
                       {"previous_hash", entry.previous_hash}});
}

std::string hash_of(const JournalEntry& entry) {
  return sha256_hex(to_canonical_json(covered_part(entry)));
}

std::string at_sequence(std::uint64_t sequence, std::string_view what) {
  return "entry " + std::to_string(sequence) + ": " + std::string(what);
}

}  // namespace

std::string_view to_string(EventType type) {
  for (const auto& [each, word] : kTypes) {
    if (each == type) return word;
  }
  return "";
}

std::optional<EventType> parse_event_type(std::string_view word) {
  for (const auto& [type, each] : kTypes) {
    if (each == word) return type;
  }
  return std::nullopt;
}

JournalEntry chain_event(const JournalHead& head, const JournalEvent& event) {
  JournalEntry entry{head.sequence + 1, event, head.hash, ""};
  entry.hash = hash_of(entry);
  return entry;
}

Json journal_entry_to_json(const JournalEntry& entry) {
  Json document = covered_part(entry);
  document["hash"] = entry.hash;
  return document;
}

JournalEntry journal_entry_from_json(const Json& document, std::string_view where) {
  const JsonReader reader(document, std::string(where));
  JournalEntry entry;
  entry.sequence = static_cast<std::uint64_t>(reader.at("sequence").integer());
  entry.event.at = reader.at("at").time();
  const auto type = parse_event_type(reader.at("type").string());
  if (!type) reader.at("type").fail("unknown event", "restore the journal from a backup");
  entry.event.type = *type;
  entry.event.actor = reader.at("actor").string();
  entry.event.decision_digest = reader.at("decision_digest").string();
  entry.event.before = reader.at("before").value();
  entry.event.after = reader.at("after").value();
  entry.event.why = reader.at("why").string();
  entry.previous_hash = reader.at("previous_hash").string();
  entry.hash = reader.at("hash").string();
  return entry;
}

std::optional<std::string> journal_fault(const std::vector<JournalEntry>& entries,
                                         const JournalHead& head) {
  JournalHead expected;
  for (const JournalEntry& entry : entries) {
    if (entry.sequence != expected.sequence + 1) {
      return at_sequence(expected.sequence + 1, "is missing or out of order");
    }
    if (entry.hash != hash_of(entry)) return at_sequence(entry.sequence, "was edited");
    if (entry.previous_hash != expected.hash) {
      return at_sequence(entry.sequence, "does not follow the entry before it");
    }
    expected = {entry.sequence, entry.hash};
  }
  if (expected.sequence != head.sequence || expected.hash != head.hash) {
    return at_sequence(expected.sequence + 1, "the tail was cut or the head was edited");
  }
  return std::nullopt;
}

}  // namespace dagloop
