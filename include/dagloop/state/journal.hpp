// The audit journal: append-only events, each chained to the one before by SHA-256. Pure values;
// a StateStore keeps them. Canonical form and verification: docs/formats.md, "Journal".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/time.hpp"

namespace dagloop {

/// What happened; the printed words are the enumerators.
enum class EventType {
  adopted,  // a policy was found in force that the loop did not write
  proposed,
  approved,
  refused,  // an apply was asked for and not allowed
  rejected,
  expired,
  apply_started,
  applied,
  rollback_started,
  rolled_back,
  undone,  // an interrupted change was taken back before it was written
  hook_failed,
  verified,
  verification_failed,
  conflict,
  observed,     // what was new was added to the evidence
  new_rollout,  // a person let a policy be rolled out anew, and evidence begin anew
};

/// Returns the printed word, and reads it.
std::string_view to_string(EventType type);
std::optional<EventType> parse_event_type(std::string_view word);

/// Who did what, when, why.
struct JournalEvent {
  TimePoint at;
  EventType type = EventType::proposed;
  std::string actor;
  std::string decision_digest;  // may be empty
  Json before;                  // values of policy keys, or null
  Json after;
  std::string why;
};

/// An event in its place in the chain.
struct JournalEntry {
  std::uint64_t sequence = 0;  // from 1, without gaps
  JournalEvent event;
  std::string state_sha256;   // of the state committed with it; empty in entries of version 1
  std::string previous_hash;  // 64 zeros for the first
  std::string hash;           // over the canonical form of everything above
};

/// The end of the chain, kept apart from it so that a cut tail is seen.
struct JournalHead {
  std::uint64_t sequence = 0;
  std::string hash = std::string(64, '0');
  bool operator==(const JournalHead&) const = default;
};

/// Returns a head as operators keep it, SEQUENCE:HASH, and reads it; nullopt for anything else.
std::string to_string(const JournalHead& head);
std::optional<JournalHead> parse_head(std::string_view text);

/// Chains `event`, committed with the state of digest `state_sha256`, behind `head`.
JournalEntry chain_event(const JournalHead& head, const JournalEvent& event,
                         std::string_view state_sha256 = {});

/// Returns an entry as JSON, and reads it back.
///
/// Errors: Error{config} naming `where` and the key.
Json journal_entry_to_json(const JournalEntry& entry);
JournalEntry journal_entry_from_json(const Json& document, std::string_view where);

/// Returns what is wrong with the newest entry of a journal, looked at alone.
std::optional<std::string> link_fault(const JournalEntry& newest, const JournalHead& head);

/// Returns what is wrong with a journal (edit, deletion, reordering, cut tail), nullopt if nothing.
std::optional<std::string> journal_fault(const std::vector<JournalEntry>& entries,
                                         const JournalHead& head);

/// Returns why a journal (which is intact) does not go on from `earlier`, a head of it that was
/// kept elsewhere: it was cut, or written anew from some entry on. nullopt when it does.
std::optional<std::string> head_fault(const std::vector<JournalEntry>& entries,
                                      const JournalHead& earlier);

}  // namespace dagloop
