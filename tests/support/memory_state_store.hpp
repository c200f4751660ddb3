// A store in memory, with the same compare-and-swap, journal chain and lock as the real ones.
#pragma once

#include <memory>
#include <vector>

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
    for (const JournalEvent& event : events) {
      entries_.push_back(chain_event(head_, event));
      head_ = {entries_.back().sequence, entries_.back().hash};
    }
    ++next.version;
    state_ = next;
  }

  std::vector<JournalEntry> journal() override { return entries_; }
  JournalHead journal_head() override { return head_; }

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

  CycleState state_;
  std::vector<JournalEntry> entries_;
  JournalHead head_;
  bool is_locked_ = false;
};

}  // namespace dagloop::test
