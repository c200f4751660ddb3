// Files in memory. Directories exist as soon as something lies in them. For one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop::test {

/// A file system with a terabyte free on which everything is writable.
class MemoryFileSystem : public FileSystem {
 public:
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    const auto found = files_.find(path);
    if (found == files_.end()) return std::nullopt;
    if (check) check(*stat(path));
    return found->second.content;
  }

  std::optional<FileInfo> stat(const std::string& path) override {
    FileInfo info;
    info.writable = true;
    info.free_bytes = std::uint64_t{1} << 40;
    if (const auto found = files_.find(path); found != files_.end()) {
      info.size_bytes = found->second.content.size();
      info.mode = found->second.attributes.mode;
      info.uid = found->second.attributes.uid.value_or(0);
      info.is_trusted = info.uid == 0;
      return info;
    }
    info.is_directory = true;
    const auto inside = files_.lower_bound(path + "/");
    const bool exists = path == "/" || path == "." ||
                        (inside != files_.end() && inside->first.starts_with(path + "/"));
    return exists ? std::optional(info) : std::nullopt;
  }

  std::vector<std::string> list(const std::string& path) override {
    std::vector<std::string> names;
    for (const auto& [each, file] : files_) {
      if (parent_directory(each) == path) names.push_back(each.substr(path.size() + 1));
    }
    return names;
  }

  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    const bool is_there = files_.contains(path);
    if (is_there && attributes.existing == FileAttributes::Existing::refuse) {
      throw Error(ErrorKind::preflight, path, "cannot be created: File exists", "look whose it is");
    }
    files_[path] = {content, attributes};
  }

  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    if (mode == RenameMode::exchange && !exchanges_) return false;
    const auto found = files_.find(from);
    if (found == files_.end() || (mode == RenameMode::exchange && !files_.contains(to))) {
      throw Error(ErrorKind::preflight, from, "does not exist", "write it first");
    }
    std::swap(files_[to], found->second);
    if (mode == RenameMode::replace) files_.erase(from);
    return true;
  }

  void remove(const std::string& path) override { files_.erase(path); }

  /// Makes it one of the file systems that cannot exchange two files.
  void refuse_exchanges() { exchanges_ = false; }

 private:
  struct File {
    std::string content;
    FileAttributes attributes;
  };

  std::map<std::string, File> files_;
  bool exchanges_ = true;
};

}  // namespace dagloop::test
