#pragma once
#include <map>
#include "dagloop/base/file_system.hpp"
#include "dagloop/base/error.hpp"
namespace dagloop::test {
class MemoryFileSystem final : public FileSystem {
 public:
  std::optional<std::string> read(const std::string& path) override {
    auto f = files_.find(path);
    if (f == files_.end()) return {};
    return f->second.content;
  }
  std::optional<FileInfo> stat(const std::string& path) override {
    FileInfo info; info.writable = true; info.free_bytes = 1ULL << 40;
    if (auto f = files_.find(path); f != files_.end()) {
      info.size_bytes = f->second.content.size(); info.mode = f->second.a.mode; return info;
    }
    info.is_directory = true;
    if (path == "/" || path == ".") return info;
    auto next = files_.lower_bound(path + "/");
    if (next != files_.end() && next->first.starts_with(path + "/")) return info;
    return {};
  }
  std::vector<std::string> list(const std::string& path) override {
    std::vector<std::string> names;
    for (auto& [p, f] : files_) if (parent_directory(p) == path) names.push_back(p.substr(path.size() + 1));
    return names;
  }
  void write_synced(const std::string& path, const std::string& content, const FileAttributes& a) override { files_[path] = {content, a}; }
  void rename_synced(const std::string& from, const std::string& to) override {
    auto f = files_.find(from);
    if (f == files_.end()) throw Error(ErrorKind::preflight, from, "missing", "x");
    files_[to] = f->second; files_.erase(from);
  }
  void remove(const std::string& path) override { files_.erase(path); }
 private:
  struct F { std::string content; FileAttributes a; };
  std::map<std::string, F> files_;
};
}
