// Seams that fail at the n-th operation that changes something, before it or behind it; from then
// on, as for a process that was killed, or once, as on a disk that was full for a moment. One
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop::test {

/// Whether the operation at which things fail has taken effect.
enum class FaultPlace { before, behind };

/// Whether the operations after it fail, too.
enum class FaultLength { from_then_on, once };

/// Counts operations and says which one fails. Shared by the seams of one world.
class Faults {
 public:
  /// Lets the n-th operation from now fail; 0: none.
  void arm(std::size_t n, FaultPlace place, FaultLength length = FaultLength::from_then_on) {
    fail_at_ = n;
    place_ = place;
    length_ = length;
    count_ = 0;
  }
  void disarm() { arm(0, FaultPlace::before); }
  /// Returns whether the operation to fail was reached.
  bool struck() const { return fail_at_ != 0 && count_ >= fail_at_; }

  /// Runs `operation`, or fails before or behind it.
  template <typename Operation>
  void run(const std::string& what, const Operation& operation) {
    ++count_;
    const bool strikes = struck() && (count_ == fail_at_ || length_ == FaultLength::from_then_on);
    if (strikes && (place_ == FaultPlace::before || count_ > fail_at_)) fail(what);
    operation();
    if (strikes) fail(what);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) {
    throw Error(ErrorKind::preflight, what, "a fault was injected", "go on without");
  }

  std::size_t fail_at_ = 0;
  std::size_t count_ = 0;
  FaultPlace place_ = FaultPlace::before;
  FaultLength length_ = FaultLength::from_then_on;
};

/// A file system whose changes may fail.
class FailingFileSystem final : public FileSystem {
 public:
  FailingFileSystem(FileSystem& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override { return inner_.stat(path); }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    faults_.run(path, [&] { inner_.write_synced(path, content, attributes); });
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    bool is_done = false;
    faults_.run(to, [&] { is_done = inner_.rename_synced(from, to, mode); });
    return is_done;
  }
  void remove(const std::string& path) override {
    faults_.run(path, [&] { inner_.remove(path); });
  }

 private:
  FileSystem& inner_;
  Faults& faults_;
};

/// A store whose commits may fail; a commit is atomic, so it took effect or it did not.
class FailingStateStore final : public StateStore {
 public:
  FailingStateStore(StateStore& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::unique_ptr<StateLock> try_lock() override { return inner_.try_lock(); }
  CycleState load() override { return inner_.load(); }
  void commit(CycleState& next, const std::vector<JournalEvent>& events) override {
    faults_.run("the state", [&] { inner_.commit(next, events); });
  }
  StoredRecords records() override { return inner_.records(); }
  StoredRecords newest_records() override { return inner_.newest_records(); }

 private:
  StateStore& inner_;
  Faults& faults_;
};

}  // namespace dagloop::test
