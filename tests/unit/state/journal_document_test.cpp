#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/state/journal.hpp"

namespace dagloop {
namespace {

JournalEvent applied() {
  JournalEvent event;
  event.at = *parse_time("2026-03-01T10:00:00Z");
  event.type = EventType::applied;
  event.actor = "loop";
  event.decision_digest = "d1";
  event.before = Json::object({{"DAG_ROLLOUT_PERCENT", "0"}});
  event.after = Json::object({{"DAG_ROLLOUT_PERCENT", "10"}});
  event.why = "approved by alice";
  return event;
}

// A chain of which each link is right, whatever it says.
std::vector<JournalEntry> chain(const std::vector<JournalEvent>& events, JournalHead& head) {
  std::vector<JournalEntry> entries;
  for (const JournalEvent& event : events) {
    entries.push_back(chain_event(head, event));
    head = {entries.back().sequence, entries.back().hash};
  }
  return entries;
}

}  // namespace

TEST_CASE("an entry's hash is the SHA-256 of its canonical form") {
  // sha256sum of {"actor":"loop","after":{...},...,"why":"approved by alice"}, written by hand.
  const JournalEntry entry = chain_event({}, applied());
  CHECK(entry.sequence == 1);
  CHECK(entry.previous_hash == std::string(64, '0'));
  CHECK(entry.hash == "0259ead84d89a54c134803f7b67c7d7ebc41fa36bfe89e78bfbdd7acf0f76ddc");
}

TEST_CASE("an entry follows the head that it is chained to") {
  const JournalEntry entry = chain_event({41, std::string(64, 'a')}, applied());
  CHECK(entry.sequence == 42);
  CHECK(entry.previous_hash == std::string(64, 'a'));
  CHECK(entry.hash != chain_event({}, applied()).hash);
}

TEST_CASE("any one character of a stored entry that is changed breaks reading or the chain") {
  JournalHead head;
  const auto entries = chain({applied(), applied(), applied()}, head);
  const std::string text = to_canonical_json(journal_entry_to_json(entries[1]));
  std::size_t unreadable = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string edited = text;
    edited[i] = edited[i] == '1' ? '2' : '1';
    INFO(edited);
    auto with_edit = entries;
    try {
      with_edit[1] = journal_entry_from_json(parse_json(edited, "j"), "j");
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::config);
      ++unreadable;
      continue;
    }
    REQUIRE(journal_fault(with_edit, head).has_value());
  }
  CHECK(unreadable > 0);
  CHECK(unreadable < text.size() / 2);
}

TEST_CASE("an entry that was replaced and hashed anew is found at the next one, or at the head") {
  JournalHead head;
  const auto entries = chain({applied(), applied(), applied()}, head);
  JournalEvent forged = applied();
  forged.actor = "mallory";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto edited = entries;
    const JournalHead before =
        i == 0 ? JournalHead{} : JournalHead{entries[i - 1].sequence, entries[i - 1].hash};
    edited[i] = chain_event(before, forged);
    const auto fault = journal_fault(edited, head);
    REQUIRE(fault.has_value());
    CHECK_THAT(*fault, Catch::StartsWith("entry " + std::to_string(i + 2) + ": "));
  }
}

TEST_CASE("a journal that was forged from some entry on differs from the head") {
  JournalHead head;
  const auto entries = chain({applied(), applied(), applied()}, head);
  JournalEvent forged = applied();
  forged.why = "approved by mallory";
  JournalHead forged_head;
  const auto other = chain({applied(), forged, applied()}, forged_head);
  CHECK_FALSE(journal_fault(other, forged_head).has_value());
  CHECK(journal_fault(other, head).has_value());
  CHECK(journal_fault(entries, forged_head).has_value());
}

TEST_CASE("each deletion and each exchange of two entries names the first that is out of place") {
  JournalHead head;
  const auto entries = chain(std::vector(6, applied()), head);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto less = entries;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_THAT(journal_fault(less, head).value(),
               Catch::StartsWith("entry " + std::to_string(i + 1) + ": "));
    for (std::size_t j = i + 1; j < entries.size(); ++j) {
      auto exchanged = entries;
      std::swap(exchanged[i], exchanged[j]);
      CHECK_THAT(journal_fault(exchanged, head).value(),
                 Catch::StartsWith("entry " + std::to_string(i + 1) + ": "));
    }
  }
}

TEST_CASE("an entry with a member missing or of another type is refused with its place") {
  const Json document = journal_entry_to_json(chain_event({}, applied()));
  for (const auto& [key, value] : document.as_object()) {
    INFO(key);
    Json less = document;
    std::erase_if(less.as_object(),
                  [&name = key](const Json::Member& each) { return each.first == name; });
    CHECK_THROWS_WITH(journal_entry_from_json(less, "j"), Catch::Contains(key));
    if (key == "before" || key == "after") continue;
    Json other = document;
    other[key] = true;
    CHECK_THROWS_WITH(journal_entry_from_json(other, "j"), Catch::Contains(key));
  }
  Json unknown = document;
  unknown["type"] = "forgiven";
  CHECK_THROWS_WITH(journal_entry_from_json(unknown, "j"), Catch::Contains("unknown event"));
  Json negative = document;
  negative["sequence"] = -1;
  CHECK_THROWS_WITH(journal_entry_from_json(negative, "j"),
                    Catch::Contains("j: sequence: is no number of an entry"));
}

TEST_CASE("an event without values, digest or reason is chained and read back like any other") {
  const JournalEntry entry = chain_event({}, JournalEvent{});
  const JournalEntry read = journal_entry_from_json(journal_entry_to_json(entry), "j");
  CHECK(read.event.before.is_null());
  CHECK(read.event.decision_digest.empty());
  CHECK_FALSE(journal_fault({read}, {1, entry.hash}).has_value());
}

}  // namespace dagloop
