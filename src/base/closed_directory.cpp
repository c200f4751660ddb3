#include "dagloop/base/closed_directory.hpp"

#include <algorithm>
#include <deque>

#include "base/groups.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kWrittenByGroup = 0020;
constexpr std::uint32_t kWrittenByAll = 0002;
constexpr std::uint32_t kStickyBit = 01000;
constexpr int kMostLinks = 40;  // as the kernel

std::deque<std::string> parts_of(const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin && path.compare(begin, end - begin, ".") != 0) {
      parts.push_back(path.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return parts;
}

// Goes to the file from the root directory, one name after the other, as the kernel does.
class Walk {
 public:
  Walk(FileSystem& files, const std::string& path, const ClosedPlace& place)
      : files_(files), path_(path), place_(place) {}

  void go() {
    start();
    while (!parts_.empty()) {
      const std::string name = parts_.front();
      parts_.pop_front();
      if (name == "..") {
        here_ = parent_directory(here_);
        if (const auto above = files_.stat(here_)) holder_ = *above;
        continue;
      }
      const std::string next = (here_ == "/" ? "" : here_) + "/" + name;
      const auto info = files_.stat(next);
      // What is below is yet to be made, with our own rights.
      if (!info) break;
      if (info->is_symlink && !info->link_target.empty()) {
        follow(*info, next);
      } else if (info->is_directory) {
        enter(next, *info);
      } else {
        check_file(*info);
      }
    }
    check_holder();
  }

 private:
  void start() {
    parts_ = parts_of(path_);
    here_ = "/";
    if (!path_.starts_with('/')) {
      const auto working = files_.stat(".");
      const auto above = parts_of(working ? working->real_path : "");
      parts_.insert(parts_.begin(), above.begin(), above.end());
      if (above.empty()) here_ = ".";  // a double, which knows no absolute paths
    }
    if (const auto root = files_.stat(here_)) enter(here_, *root);
  }

  void follow(const FileInfo& info, const std::string& link) {
    if (++links_ > kMostLinks) refuse("is behind a circle of symbolic links", "mend the links");
    // Where everybody may make a link, a stranger's leads wherever he likes.
    const bool is_sticky = (holder_.mode & kStickyBit) != 0;
    if (is_sticky && !info.is_trusted_link) {
      refuse("is reached through " + link + ", a symbolic link of somebody else",
             "give the path without that link");
    }
    const auto target = parts_of(info.link_target);
    parts_.insert(parts_.begin(), target.begin(), target.end());
    if (info.link_target.starts_with('/')) {
      here_ = "/";
      if (const auto root = files_.stat(here_)) enter(here_, *root);
    }
  }

  // Every directory but the one that holds the file may be sticky.
  void enter(const std::string& directory, const FileInfo& info) {
    here_ = directory;
    holder_ = info;
    if (!info.is_trusted && info.uid != place_.owner) {
      refuse(
          "lies below " + directory + ", which belongs to uid " + std::to_string(info.uid) +
              ", neither root nor the user who runs this",
          "chown it, run this as its owner, or move the file below a directory of root's or yours");
    }
    if ((info.mode & kStickyBit) == 0) check_writers();
  }

  void check_holder() const {
    const bool is_shared = (holder_.mode & kStickyBit) != 0 && (holder_.mode & kWrittenByAll) != 0;
    if (is_shared) {
      refuse("lies in " + here_ + ", where everybody may put files beside it",
             "move it into a directory of its own, made with mkdir -m 700");
    }
    check_writers();
  }

  void check_writers() const {
    if ((holder_.mode & kWrittenByAll) != 0) {
      refuse("may be replaced by everybody, because everybody may write to " + here_,
             "chmod o-w " + here_);
    }
    if ((holder_.mode & kWrittenByGroup) == 0 || is_group_trusted(holder_)) return;
    refuse(
        "may be replaced by the group " + told_group(holder_.gid) + ", which may write to " + here_,
        "chmod g-w " + here_ + ", or name the group in policy.trusted_group" + fault_of_group());
  }

  void check_file(const FileInfo& file) const {
    if ((file.mode & kWrittenByAll) != 0) {
      refuse("may be written by everybody", "look at what it holds, then chmod o-w it");
    }
    if ((file.mode & kWrittenByGroup) == 0 || place_.group_write == GroupWrite::allowed) return;
    const bool may_be_trusted = place_.group_write == GroupWrite::if_trusted;
    if (may_be_trusted && is_group_trusted(file)) return;
    if (is_private_group(file.gid, file.uid)) return;
    refuse("may be written by the group " + told_group(file.gid),
           "look at what it holds, then chmod g-w it" +
               (may_be_trusted ? ", or name the group in policy.trusted_group" + fault_of_group()
                               : std::string()));
  }

  bool is_group_trusted(const FileInfo& info) const {
    if (is_private_group(info.gid, info.uid)) return true;
    return !place_.trusted_group.empty() && gid_of(place_.trusted_group) == info.gid;
  }

  std::string fault_of_group() const {
    if (place_.trusted_group.empty() || gid_of(place_.trusted_group)) return "";
    return " (\"" + place_.trusted_group + "\" is no group of this machine)";
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& remedy) const {
    throw Error(place_.kind, path_, "the " + std::string(place_.role) + " " + what, remedy);
  }

  FileSystem& files_;
  const std::string& path_;
  const ClosedPlace& place_;
  std::deque<std::string> parts_;  // still to go
  std::string here_;               // the directory that was reached
  FileInfo holder_;                // of it
  int links_ = 0;
};

}  // namespace

void check_closed(FileSystem& files, const std::string& path, const ClosedPlace& place) {
  Walk(files, path, place).go();
}

}  // namespace dagloop
