// A directory of its own for a test, gone afterwards.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace dagloop::test {

/// A directory that exists as long as the object.
class TempDirectory {
 public:
  TempDirectory() {
    static int made = 0;
    root_ = std::filesystem::temp_directory_path() /
            ("dagloop_test_" + std::to_string(::getpid()) + "_" + std::to_string(made++));
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    // Whatever the umask: what a group may write is refused.
    std::filesystem::permissions(root_, std::filesystem::perms(0755U));
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  /// Returns the path of `name` in the directory.
  std::string path(const std::string& name = "") const {
    return name.empty() ? root_.string() : (root_ / name).string();
  }

 private:
  std::filesystem::path root_;
};

}  // namespace dagloop::test
