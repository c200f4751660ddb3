#pragma once
#include "dagloop/base/error.hpp"
#include "dagloop/state/state_store.hpp"
namespace dagloop::test {
class MemoryStateStore final : public StateStore {
  struct L : StateLock { explicit L(bool& g) : h(g) { h = true; } ~L() override { h = false; } bool& h; };
 public:
  std::unique_ptr<StateLock> try_lock() override { if (held_) return nullptr; return std::make_unique<L>(held_); }
  CycleState load() override { return state_; }
  void commit(CycleState& next, const std::vector<JournalEvent>& events) override {
    if (next.version != state_.version) throw Error(ErrorKind::conflict, "s", "changed", "retry");
    for (auto& e : events) { entries_.push_back(chain_event(head_, e)); head_ = {entries_.back().sequence, entries_.back().hash}; }
    ++next.version; state_ = next;
  }
  std::vector<JournalEntry> journal() override { return entries_; }
  JournalHead journal_head() override { return head_; }
 private:
  CycleState state_; std::vector<JournalEntry> entries_; JournalHead head_; bool held_ = false;
};
}
