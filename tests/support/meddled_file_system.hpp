// File systems on which somebody else has acted: in the middle of a change, or on a path that can
// no longer be examined. For one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"
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

/// Refuses to say what lies at one path, as where a directory on the way may not be searched.
class SealedFileSystem final : public FileSystem {
 public:
  SealedFileSystem(FileSystem& inner, std::string sealed)
      : inner_(inner), sealed_(std::move(sealed)) {}
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    refuse(path, "cannot be read");
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override {
    refuse(path, "cannot be examined");
    return inner_.stat(path);
  }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    inner_.write_synced(path, content, attributes);
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    return inner_.rename_synced(from, to, mode);
  }
  void remove(const std::string& path) override { inner_.remove(path); }

 private:
  void refuse(const std::string& path, const std::string& what) const {
    if (path != sealed_) return;
    throw Error(ErrorKind::preflight, path, what + ": Permission denied", "check its permissions");
  }

  FileSystem& inner_;
  std::string sealed_;
};

}  // namespace dagloop::test
