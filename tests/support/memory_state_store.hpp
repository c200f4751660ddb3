// A store in memory, with the same compare-and-swap, journal chain and lock as the real ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop::test {

/// Keeps state and journal for the life of the object.
class MemoryStateStore final : public StateStore {
 public:
  std::unique_ptr<StateLock> try_lock() override {
    if (is_locked_) return nullptr;
    return std::make_unique<Lock>(is_locked_);
  }

  CycleState load() override { return state_; }

  void commit(CycleState& next, const std::vector<JournalEvent>& events) override {
    if (next.version != state_.version) {
      throw Error(ErrorKind::conflict, "memory", "another process changed the state", "try again");
    }
    // As the real stores: what is stored has an event. A test may begin in the middle of a story.
    DAGLOOP_ASSERT(!events.empty() || state_.version == 0);
    documents_ = documents_of(next);
    const std::string digest = state_sha256(next.version + 1, documents_.state);
    for (const JournalEvent& event : events) {
      entries_.push_back(chain_event(head_, event, digest));
      head_ = {entries_.back().sequence, entries_.back().hash};
    }
    ++next.version;
    state_ = next;
  }

  StoredRecords records() override {
    StoredRecords all;
    if (state_.version != 0) all.state = stored();
    for (const JournalEntry& entry : entries_) {
      all.journal.push_back({entry.sequence, to_canonical_json(journal_entry_to_json(entry))});
    }
    return all;
  }

  StoredRecords newest_records() override {
    StoredRecords newest;
    if (state_.version != 0) newest.state = stored();
    if (!entries_.empty()) {
      newest.journal.push_back(
          {entries_.back().sequence, to_canonical_json(journal_entry_to_json(entries_.back()))});
    }
    return newest;
  }

  /// Returns the journal as it is kept, which is faster than to read it from its records.
  const std::vector<JournalEntry>& entries() const { return entries_; }

 private:
  class Lock final : public StateLock {
   public:
    explicit Lock(bool& is_locked) : is_locked_(is_locked) { is_locked_ = true; }
    ~Lock() override { is_locked_ = false; }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    bool& is_locked_;
  };

  StoredState stored() const {
    return {state_.version, documents_.state, head_, documents_.evidence};
  }

  CycleState state_;
  StateDocuments documents_;  // of state_
  std::vector<JournalEntry> entries_;
  JournalHead head_;
  bool is_locked_ = false;
};

}  // namespace dagloop::test
