#include "dagloop/state/journal.hpp"

#include <catch2/catch.hpp>
#include <functional>

namespace dagloop {
namespace {

struct Journal {
  std::vector<JournalEntry> entries;
  JournalHead head;
};

Journal make_journal(int count) {
  Journal journal;
  for (int i = 0; i < count; ++i) {
    JournalEvent event;
    event.at = *parse_time("2026-02-25T06:00:00Z") + std::chrono::minutes(i);
    event.type = i % 2 == 0 ? EventType::proposed : EventType::applied;
    event.actor = "alice";
    event.decision_digest = std::string(64, static_cast<char>('a' + i));
    event.before = Json::object({{"DAG_ROLLOUT_PERCENT", std::to_string(i)}});
    event.after = Json::object({{"DAG_ROLLOUT_PERCENT", std::to_string(i + 10)}});
    event.why = "because";
    journal.entries.push_back(chain_event(journal.head, event));
    journal.head = {journal.entries.back().sequence, journal.entries.back().hash};
  }
  return journal;
}

}  // namespace

TEST_CASE("an untouched journal is intact, the empty one too") {
  const Journal journal = make_journal(5);
  CHECK_FALSE(journal_fault(journal.entries, journal.head));
  CHECK_FALSE(journal_fault({}, {}));
}

TEST_CASE("an edit of any field of any entry is detected and its entry named") {
  const std::vector<std::function<void(JournalEntry&)>> edits{
      [](JournalEntry& e) { e.event.at += Microseconds(1); },
      [](JournalEntry& e) { e.event.type = EventType::rejected; },
      [](JournalEntry& e) { e.event.actor = "mallory"; },
      [](JournalEntry& e) { e.event.decision_digest[0] = 'z'; },
      [](JournalEntry& e) { e.event.before["DAG_ROLLOUT_PERCENT"] = "99"; },
      [](JournalEntry& e) { e.event.after = Json(); },
      [](JournalEntry& e) { e.event.why += " not"; },
      [](JournalEntry& e) { e.previous_hash[5] = 'x'; },
      [](JournalEntry& e) { e.hash[5] = 'x'; }};
  for (std::size_t which = 0; which < 5; ++which) {
    for (std::size_t edit = 0; edit < edits.size(); ++edit) {
      Journal journal = make_journal(5);
      edits[edit](journal.entries[which]);
      CAPTURE(which, edit);
      const auto fault = journal_fault(journal.entries, journal.head);
      REQUIRE(fault);
      CHECK_THAT(*fault, Catch::StartsWith("entry " + std::to_string(which + 1)));
    }
  }
}

TEST_CASE("a deleted, repeated or moved entry is detected") {
  const Journal intact = make_journal(5);
  for (std::size_t which = 0; which < 5; ++which) {
    CAPTURE(which);
    auto deleted = intact.entries;
    deleted.erase(deleted.begin() + static_cast<std::ptrdiff_t>(which));
    CHECK(journal_fault(deleted, intact.head));
    auto repeated = intact.entries;
    repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(which), intact.entries[which]);
    CHECK(journal_fault(repeated, intact.head));
    auto moved = intact.entries;
    std::swap(moved[which], moved[(which + 1) % 5]);
    CHECK(journal_fault(moved, intact.head));
  }
}

TEST_CASE("a cut tail, an added entry and an edited head are detected") {
  Journal journal = make_journal(5);
  const JournalHead head = journal.head;
  journal.entries.pop_back();
  CHECK(journal_fault(journal.entries, head));
  journal = make_journal(5);
  JournalHead longer = journal.head;
  journal.entries.push_back(chain_event(longer, JournalEvent{}));
  CHECK(journal_fault(journal.entries, journal.head));
  journal = make_journal(5);
  CHECK(journal_fault(journal.entries, {6, journal.head.hash}));
  CHECK(journal_fault({}, journal.head));
}

TEST_CASE("a journal entry reads back from its JSON as it was, for every type of event") {
  for (int i = 0; i < 32; ++i) {
    const auto type = static_cast<EventType>(i);
    if (to_string(type).empty()) break;
    JournalEvent event;
    event.type = type;
    event.why = "a \"quoted\" reason\nin two lines";
    const JournalEntry entry = chain_event({}, event);
    const JournalEntry read = journal_entry_from_json(
        parse_json(to_canonical_json(journal_entry_to_json(entry)), "journal"), "journal");
    CHECK(read.hash == entry.hash);
    CHECK_FALSE(journal_fault({read}, {1, entry.hash}));
    CHECK(parse_event_type(to_string(type)) == type);
  }
}

}  // namespace dagloop
