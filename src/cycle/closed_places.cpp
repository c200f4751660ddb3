#include "dagloop/cycle/closed_places.hpp"

#include "dagloop/base/closed_directory.hpp"
#include "dagloop/cycle/policy_files.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kSqliteFile = "sqlite:";

// What cannot be examined is told by whoever reads it, and may hold up less.
void check_place(FileSystem& files, const std::string& path, const ClosedPlace& place) {
  try {
    static_cast<void>(files.stat(path));
  } catch (const Error&) {
    return;
  }
  check_closed(files, path, place);
}

// One that comes through a pipe has no place.
void check_configuration(FileSystem& files, const Config& config) {
  const auto info = config.file.empty() ? std::nullopt : files.stat(config.file);
  if (!info || !info->is_regular) return;
  // The group that it names cannot be what makes it trusted.
  check_closed(files, config.file,
               {"configuration", config.policy.trusted_group, GroupWrite::not_allowed});
}

void check_env_file(FileSystem& files, const PolicyConfig& policy) {
  ClosedPlace place{"env file", policy.trusted_group, GroupWrite::allowed};
  // Whoever owns it may write it anyway: a directory of his gives him nothing more.
  if (const auto info = files.stat(policy.env_file)) place.owner = info->uid;
  check_place(files, policy.env_file, place);
}

}  // namespace

void check_closed_places(FileSystem& files, const Config& config) {
  const PolicyConfig& policy = config.policy;
  check_configuration(files, config);
  if (!policy.env_file.empty()) check_env_file(files, policy);
  check_place(files, policy.allowlist, {"allowlist", policy.trusted_group});
  check_place(files, policy.rules, {"policy rules file", policy.trusted_group});
  check_place(files, policy.approvers, {"approvers file", policy.trusted_group});
  if (config.state.starts_with(kSqliteFile)) {
    check_place(files, config.state.substr(kSqliteFile.size()),
                {"state file", policy.trusted_group});
  }
}

std::optional<Error> replacement_fault(FileSystem& files, const PolicyConfig& policy) {
  const std::string path = env_file_target(files, policy.env_file, policy.symlinks);
  const auto file = files.stat(path);
  if (!file) return std::nullopt;
  const auto fault = [](const std::string& where, const std::string& what,
                        const std::string& remedy) {
    return Error(ErrorKind::preflight, where, what, remedy);
  };
  if (file->is_mount_point) {
    return fault(path, "the env file is mounted by itself and cannot be replaced",
                 "mount the directory that holds it instead of the file");
  }
  if (file->links > 1) {
    return fault(path,
                 "the env file has " + std::to_string(file->links) +
                     " names (hard links), and only this one would get the change",
                 "make the other ones symbolic links to it (find / -xdev -samefile " + path +
                     " shows them), or copy it and rename the copy over it");
  }
  if (!file->writable) {
    return fault(path, "the env file is not writable",
                 "give this user write permission, or leave out --apply");
  }
  const std::string directory = parent_directory(path);
  const auto holder = files.stat(directory);
  // The new file is written beside the old one and renamed: that takes the directory's permission.
  if (holder && !holder->writable) {
    return fault(
        directory, "the env file's directory is not writable",
        "give this user write permission there: a change writes a new file beside the old one");
  }
  if (!file->can_be_given) {
    return fault(path,
                 "the env file belongs to uid " + std::to_string(file->uid) + " and gid " +
                     std::to_string(file->gid) + ", to whom this user can give no new file",
                 "run the loop as that user or as root, or chown the file");
  }
  return std::nullopt;
}

}  // namespace dagloop
