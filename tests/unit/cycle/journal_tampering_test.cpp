// A real journal, and every way to change one byte or one row of it.
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <thread>

#include "../../support/fault_every.hpp"
#include "../../support/journal_story.hpp"
#include "../../support/temp_directory.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

const StoredRecords& story_records() {
  static const StoredRecords records = [] {
    const TempDirectory folder;
    JournalStory story(folder.path("s.db"));
    story.tell();
    return story.store().records();
  }();
  return records;
}

/// Calls `use` with `text` after each edit of its byte `at`: a bit flipped, the byte removed,
/// duplicated, exchanged with the next one. Returns how many edits there were.
std::size_t for_each_edit(const std::string& text, std::size_t at,
                          const std::function<void(const std::string&)>& use) {
  std::size_t count = 0;
  const auto try_one = [&](const std::string& edited) {
    if (edited == text) return;  // e.g. two equal bytes exchanged
    use(edited);
    ++count;
  };
  for (unsigned bit = 0; bit < 8; ++bit) {
    std::string edited = text;
    edited[at] = static_cast<char>(static_cast<unsigned char>(edited[at]) ^ (1U << bit));
    try_one(edited);
  }
  try_one(std::string(text).erase(at, 1));
  try_one(std::string(text).insert(at, 1, text[at]));
  if (at + 1 < text.size()) {
    std::string edited = text;
    std::swap(edited[at], edited[at + 1]);
    try_one(edited);
  }
  return count;
}

/// How many edits were tried, and how many of them went unnoticed.
struct Count {
  std::atomic<std::size_t> edits = 0;
  std::atomic<std::size_t> missed = 0;
};

/// Tries every edit of every byte, on two threads.
void try_every_edit(const std::string& text,
                    const std::function<bool(const std::string&)>& is_found, Count& count) {
  const std::size_t step = fault_every();
  const auto work = [&](std::size_t from) {
    for (std::size_t at = from; at < text.size(); at += 2 * step) {
      count.edits += for_each_edit(text, at, [&](const std::string& edited) {
        if (!is_found(edited)) ++count.missed;
      });
    }
  };
  std::thread odd(work, step);
  work(0);
  odd.join();
}

/// Gives the rows new numbers, so that no gap shows.
void number_rows(StoredRecords& records) {
  std::uint64_t sequence = 0;
  for (StoredEntry& row : records.journal) row.sequence = ++sequence;
}

bool is_found(const StoredRecords& records) { return records_fault(records).has_value(); }

}  // namespace

TEST_CASE("the story that is tampered with has every part of a change in it, and is intact") {
  std::map<EventType, int> seen;
  for (const JournalEntry& entry : read_entries(story_records().journal)) {
    ++seen[entry.event.type];
    CHECK_FALSE(entry.state_sha256.empty());
  }
  for (const EventType type :
       {EventType::adopted, EventType::proposed, EventType::refused, EventType::approved,
        EventType::apply_started, EventType::applied, EventType::verified, EventType::hook_failed,
        EventType::rollback_started, EventType::rolled_back}) {
    CAPTURE(to_string(type));
    CHECK(seen[type] > 0);
  }
  CHECK(story_records().journal.size() >= 15);
  CHECK_FALSE(is_found(story_records()));
}

TEST_CASE("every byte of every journal entry that is changed, removed, doubled or moved is found") {
  Count count;
  for (std::size_t row = 0; row < story_records().journal.size(); ++row) {
    try_every_edit(
        story_records().journal[row].document,
        [&](const std::string& edited) {
          thread_local StoredRecords records = story_records();
          std::string& document = records.journal[row].document;
          document = edited;
          const bool found = is_found(records);
          document = story_records().journal[row].document;
          return found;
        },
        count);
  }
  CAPTURE(count.edits.load());
  CHECK(count.missed == 0);
  CHECK(count.edits > 80'000 / fault_every());
}

TEST_CASE("every byte of the state and of the head that is changed is found, also by loading") {
  Count count;
  const StoredState& intact = *story_records().state;
  try_every_edit(
      intact.document,
      [&](const std::string& edited) {
        StoredRecords records{intact, {story_records().journal.back()}};
        records.state->document = edited;
        try {
          static_cast<void>(checked_state(records, "s.db"));
          return false;
        } catch (const Error& error) {
          return error.kind() == ErrorKind::preflight;
        }
      },
      count);
  StoredRecords records = story_records();
  try_every_edit(
      intact.head.hash,
      [&](const std::string& edited) {
        StoredRecords changed = records;
        changed.state->head.hash = edited;
        return is_found(changed);
      },
      count);
  CAPTURE(count.edits.load());
  CHECK(count.missed == 0);
  CHECK(count.edits > 8'000 / fault_every());
  for (unsigned bit = 0; bit < 64; ++bit) {
    StoredRecords changed = records;
    changed.state->version ^= std::uint64_t{1} << bit;
    CHECK(is_found(changed));
    changed = records;
    changed.state->head.sequence ^= std::uint64_t{1} << bit;
    CHECK(is_found(changed));
    for (std::size_t row = 0; row < records.journal.size(); ++row) {
      changed = records;
      changed.journal[row].sequence ^= std::uint64_t{1} << bit;
      CHECK(is_found(changed));
    }
  }
}

TEST_CASE("every entry that is removed, doubled, or exchanged with any other is found") {
  const StoredRecords& intact = story_records();
  const auto size = intact.journal.size();
  for (std::size_t row = 0; row < size; ++row) {
    CAPTURE(row);
    const auto at = static_cast<std::ptrdiff_t>(row);
    StoredRecords changed = intact;
    changed.journal.erase(changed.journal.begin() + at);
    CHECK(is_found(changed));
    number_rows(changed);
    CHECK(is_found(changed));
    changed = intact;
    changed.journal.insert(changed.journal.begin() + at, intact.journal[row]);
    CHECK(is_found(changed));
    number_rows(changed);
    CHECK(is_found(changed));
    for (std::size_t other = row + 1; other < size; ++other) {
      changed = intact;
      std::swap(changed.journal[row], changed.journal[other]);
      CHECK(is_found(changed));
      std::swap(changed.journal[row].sequence, changed.journal[other].sequence);
      CHECK(is_found(changed));
    }
  }
}

TEST_CASE("a tail that is cut with the head is found by the state, unless that is forged, too") {
  const StoredRecords& intact = story_records();
  const auto entries = read_entries(intact.journal);
  for (std::size_t left = 0; left < intact.journal.size(); ++left) {
    CAPTURE(left);
    StoredRecords cut = intact;
    cut.journal.resize(left);
    cut.state->head =
        left == 0 ? JournalHead{} : JournalHead{entries[left - 1].sequence, entries[left - 1].hash};
    // An entry of the same commit as the last one vouches for the same state.
    const bool is_same_commit =
        left > 0 && entries[left - 1].state_sha256 == entries.back().state_sha256;
    CHECK(is_found(cut) == !is_same_commit);
    CHECK(head_fault(read_entries(cut.journal), intact.state->head).has_value());
  }
  CHECK_FALSE(head_fault(entries, intact.state->head));
}
