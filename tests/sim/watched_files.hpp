// A file system that lets the env file be written only where the journal announced that content.
#pragma once

#include <algorithm>
#include <string>

#include "../support/loop_world.hpp"
#include "dagloop/base/digest.hpp"

namespace dagloop::sim {

/// Passes everything on, counts writes of the env file, and notes the first that nobody announced.
class WatchedFiles final : public FileSystem {
 public:
  WatchedFiles(FileSystem& inner, test::MemoryStateStore& store) : inner_(inner), store_(store) {}

  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override { return inner_.stat(path); }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    if (path == test::kEnvPath) fault_ = "the env file is written in place";
    inner_.write_synced(path, content, attributes);
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    if (to == test::kEnvPath) check_announced(*inner_.read(from));
    return inner_.rename_synced(from, to, mode);
  }
  void remove(const std::string& path) override {
    if (path == test::kEnvPath) fault_ = "the env file is removed";
    inner_.remove(path);
  }

  /// Returns what was wrong with a write of the env file; empty when nothing was.
  const std::string& fault() const { return fault_; }
  /// Returns how often the env file was replaced.
  int env_writes() const { return env_writes_; }

 private:
  void check_announced(const std::string& content) {
    ++env_writes_;
    const auto intent = store_.load().intent;
    if (!intent || intent->after_sha256 != sha256_hex(content)) {
      fault_ = "the env file is written without a stored intent of that content";
      return;
    }
    const EventType started =
        intent->kind == ChangeKind::apply ? EventType::apply_started : EventType::rollback_started;
    const auto journal = store_.entries();
    if (journal.empty() || journal.back().event.type != started) {
      fault_ = "the last word of the journal is not the start of this change";
    }
  }

  FileSystem& inner_;
  test::MemoryStateStore& store_;
  std::string fault_;
  int env_writes_ = 0;
};

}  // namespace dagloop::sim
