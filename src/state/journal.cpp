#include "dagloop/state/journal.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/struct_codec.hpp"

namespace dagloop {
namespace {

constexpr std::array<std::pair<EventType, std::string_view>, 17> kTypes{{
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
    {EventType::observed, "observed"},
    {EventType::new_rollout, "new_rollout"},
}};

constexpr std::string_view kFromBackup = "restore the journal from a backup";

constexpr auto kEvent = fields_of<JournalEvent>(
    field("at", &JournalEvent::at),
    field("type", &JournalEvent::type,
          WordOf<EventType>{&parse_event_type, "unknown event", kFromBackup}),
    field("actor", &JournalEvent::actor), field("decision_digest", &JournalEvent::decision_digest),
    field("before", &JournalEvent::before), field("after", &JournalEvent::after),
    field("why", &JournalEvent::why));

// Entries of version 1 lack it, and stay as they were.
constexpr Entry kStateDigest{[](const JournalEntry& entry, Json::Object& into) {
                               if (!entry.state_sha256.empty())
                                 into.emplace_back("state_sha256", entry.state_sha256);
                             },
                             field_or_default("state_sha256", &JournalEntry::state_sha256).read};

// Everything that the hash covers.
constexpr auto kCovered = fields_of<JournalEntry>(
    field("sequence", &JournalEntry::sequence, Count{"is no number of an entry", kFromBackup}),
    inlined(&JournalEntry::event, kEvent), field("previous_hash", &JournalEntry::previous_hash),
    kStateDigest);

constexpr auto kEntry = fields_of<JournalEntry>(kCovered, field("hash", &JournalEntry::hash));

// Each hash covers the one before it. So one hash, kept elsewhere, vouches for all that came
// earlier.
std::string hash_of(const JournalEntry& entry) {
  return sha256_hex(to_canonical_json(write_json(kCovered, entry)));
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

std::string to_string(const JournalHead& head) {
  return std::to_string(head.sequence) + ":" + head.hash;
}

std::optional<JournalHead> parse_head(std::string_view text) {
  JournalHead head;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.sequence);
  if (error != std::errc()) return std::nullopt;
  head.hash = text.substr(static_cast<std::size_t>(end - text.data()));
  if (head.hash.empty() || head.hash.front() != ':') return std::nullopt;
  head.hash.erase(0, 1);
  const bool is_hash = head.hash.size() == JournalHead().hash.size() &&
                       head.hash.find_first_not_of("0123456789abcdef") == std::string::npos;
  // One way to write a head, so that what is kept can be compared as text.
  return is_hash && to_string(head) == text ? std::optional(head) : std::nullopt;
}

JournalEntry chain_event(const JournalHead& head, const JournalEvent& event,
                         std::string_view state_sha256) {
  JournalEntry entry{head.sequence + 1, event, std::string(state_sha256), head.hash, ""};
  entry.hash = hash_of(entry);
  return entry;
}

Json journal_entry_to_json(const JournalEntry& entry) { return write_json(kEntry, entry); }

JournalEntry journal_entry_from_json(const Json& document, std::string_view where) {
  return read_json<JournalEntry>(kEntry, JsonReader(document, std::string(where)));
}

std::optional<std::string> link_fault(const JournalEntry& newest, const JournalHead& head) {
  if (newest.hash != hash_of(newest)) return at_sequence(newest.sequence, "was edited");
  if (newest.sequence != head.sequence || newest.hash != head.hash) {
    return at_sequence(head.sequence, "the tail was cut or the head was edited");
  }
  return std::nullopt;
}

std::optional<std::string> journal_fault(const std::vector<JournalEntry>& entries,
                                         const JournalHead& head) {
  JournalHead expected;
  // An entry may not go back to the older form: that is how an edited state could be passed off.
  bool vouches = false;  // whether the entries say which state they were committed with
  for (const JournalEntry& entry : entries) {
    if (entry.sequence != expected.sequence + 1) {
      return at_sequence(expected.sequence + 1, "is missing or out of order");
    }
    if (entry.hash != hash_of(entry)) return at_sequence(entry.sequence, "was edited");
    if (entry.previous_hash != expected.hash) {
      return at_sequence(entry.sequence, "does not follow the entry before it");
    }
    if (vouches && entry.state_sha256.empty()) {
      return at_sequence(entry.sequence, "does not say which state it was committed with");
    }
    vouches = !entry.state_sha256.empty();
    expected = {entry.sequence, entry.hash};
  }
  if (expected == head) return std::nullopt;
  return at_sequence(expected.sequence + 1, "the tail was cut or the head was edited");
}

std::optional<std::string> head_fault(const std::vector<JournalEntry>& entries,
                                      const JournalHead& earlier) {
  if (earlier == JournalHead{}) return std::nullopt;
  // The chain alone cannot show this: a journal that was cut, with a head to match, is whole again.
  if (earlier.sequence > entries.size()) {
    return "it ends at entry " + std::to_string(entries.size()) + ", before the kept head " +
           to_string(earlier) + ": its tail was cut";
  }
  if (earlier.sequence == 0 || entries[earlier.sequence - 1].hash != earlier.hash) {
    return "it does not hold the kept head " + to_string(earlier) + ": it was written anew";
  }
  return std::nullopt;
}

}  // namespace dagloop
