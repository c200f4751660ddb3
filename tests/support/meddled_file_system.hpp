// A file system on which somebody else acts in the middle of a change. For one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dagloop/base/file_system.hpp"

namespace dagloop::test {

/// Lets somebody else act right before the n-th operation.
class MeddledFileSystem final : public FileSystem {
 public:
  MeddledFileSystem(FileSystem& inner, std::size_t at, std::function<void()> meddle)
      : inner_(inner), at_(at), meddle_(std::move(meddle)) {}
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    step();
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override { return inner_.stat(path); }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    step();
    inner_.write_synced(path, content, attributes);
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    step();
    return inner_.rename_synced(from, to, mode);
  }
  void remove(const std::string& path) override {
    step();
    inner_.remove(path);
  }

 private:
  void step() {
    if (++count_ == at_) meddle_();
  }

  FileSystem& inner_;
  std::size_t at_;
  std::size_t count_ = 0;
  std::function<void()> meddle_;
};

}  // namespace dagloop::test
