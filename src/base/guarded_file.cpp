#include "dagloop/base/guarded_file.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kOthersMayWrite = 0002;
constexpr std::uint32_t kSticky = 01000;

class Check {
 public:
  Check(FileSystem& files, const std::string& path, const FileGuard& guard)
      : files_(files), path_(path), guard_(guard) {}

  void run(const FileInfo& file) const {
    if (file.is_symlink) check_link(file);
    if (!file.is_regular) refuse("is no regular file", "give the path of a file");
    if ((file.mode & kOthersMayWrite) != 0) {
      refuse("may be written by everybody", "look at what it holds, then chmod o-w it");
    }
    if (guard_.owner == TrustedOwner::ours && !file.is_trusted) {
      refuse("belongs to " + owner(file), "chown it, or run this as its owner");
    }
    check_directory(parent_directory(path_));
    if (file.is_symlink) check_directory(parent_directory(file.real_path));
  }

  void check_directory(const std::string& directory) const {
    const auto info = files_.stat(directory);
    if (!info) return;
    // Whoever may write to a directory may rename another file over ours, whatever its own mode is.
    // The sticky bit (as of /tmp) lets only the owner do so.
    if ((info->mode & kOthersMayWrite) != 0 && (info->mode & kSticky) == 0) {
      refuse("may be replaced by everybody, because everybody may write to " + directory,
             "chmod o-w " + directory);
    }
    if (guard_.owner == TrustedOwner::ours && !info->is_trusted) {
      refuse("lies in " + directory + ", which belongs to " + owner(*info),
             "chown the directory, or run this as its owner");
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& remedy) const {
    throw Error(guard_.kind, path_, "the " + std::string(guard_.role) + " " + what, remedy);
  }

  static std::string owner(const FileInfo& info) {
    return "uid " + std::to_string(info.uid) + ", neither root nor the user who runs this";
  }

  void check_link(const FileInfo& file) const {
    if (guard_.symlinks == Symlinks::refuse) {
      refuse("is a symbolic link",
             "give the path of the file itself, or set policy.symlinks to \"same_tree\"");
    }
    if (file.real_path.empty()) refuse("is a symbolic link to nothing", "mend the link");
    // same_tree allows what deployments do (current -> releases/7) and not a link to somebody
    // else's file.
    if (guard_.symlinks == Symlinks::follow) return;
    // Real paths on both sides: the directory may itself be reached through a link.
    const auto directory = files_.stat(parent_directory(path_));
    const std::string tree = directory ? directory->real_path : "";
    if (tree.empty() || !file.real_path.starts_with(tree == "/" ? tree : tree + "/")) {
      refuse("is a symbolic link that leads out of its directory, to " + file.real_path,
             "move the file below the link's directory, or give the path of the file itself");
    }
  }

  FileSystem& files_;
  const std::string& path_;
  const FileGuard& guard_;
};

}  // namespace

void check_guarded(FileSystem& files, const std::string& path, const FileInfo& file,
                   const FileGuard& guard) {
  Check(files, path, guard).run(file);
}

std::optional<std::string> read_guarded(FileSystem& files, const std::string& path,
                                        const FileGuard& guard) {
  return files.read_checked(
      path, [&](const FileInfo& opened) { check_guarded(files, path, opened, guard); });
}

std::string guarded_target(FileSystem& files, const std::string& path, const FileGuard& guard) {
  const auto file = files.stat(path);
  if (!file) {
    Check(files, path, guard).check_directory(parent_directory(path));
    return path;
  }
  check_guarded(files, path, *file, guard);
  return file->is_symlink ? file->real_path : path;
}

}  // namespace dagloop
