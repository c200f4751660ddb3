#include "dagloop/cycle/preflight.hpp"

#include "dagloop/base/error.hpp"
#include "dagloop/cycle/closed_places.hpp"
#include "dagloop/cycle/policy_files.hpp"

namespace dagloop {
namespace {

// Far more than a tick writes (reports, a state, an env file and its copy).
constexpr std::uint64_t kMinFreeBytes = std::uint64_t{16} << 20;

// The nearest directory at or above `path` that exists: where missing ones would be made.
std::string existing_directory(FileSystem& files, std::string path) {
  while (path != "." && path != "/" && !files.stat(path)) path = parent_directory(path);
  return path;
}

void check_directory(FileSystem& files, const std::string& path, const std::string& role) {
  const std::string directory = existing_directory(files, path);
  const auto info = files.stat(directory);
  if (!info || !info->is_directory) {
    throw Error(ErrorKind::preflight, directory, "the " + role + " directory cannot be made here",
                "give another directory");
  }
  if (!info->writable) {
    throw Error(ErrorKind::preflight, directory, "the " + role + " directory is not writable",
                "give this user write permission there, or another directory");
  }
  if (info->free_bytes < kMinFreeBytes) {
    throw Error(
        ErrorKind::preflight, directory,
        std::to_string(info->free_bytes >> 20) + " MiB free, at least 16 MiB needed for " + role,
        "free disk space");
  }
}

}  // namespace

void check_preflight(FileSystem& files, const Config& config, EnvFileUse use) {
  if (config.policy.env_file.empty()) {
    throw Error(ErrorKind::usage, "policy.env_file", "no env file is configured",
                "give --env-file, DAGLOOP_ENV_FILE, or policy.env_file in the configuration");
  }
  static_cast<void>(read_env_file(files, config.policy.env_file, config.policy.symlinks));
  check_closed_places(files, config);
  check_directory(files, config.reports.dir, "report");
  if (use == EnvFileUse::read) return;

  if (const auto fault = replacement_fault(files, config.policy)) throw Error(*fault);
  const std::string env_file =
      env_file_target(files, config.policy.env_file, config.policy.symlinks);
  check_directory(files, parent_directory(env_file), "env file's");
  constexpr std::string_view kSqliteScheme = "sqlite:";
  if (config.state.starts_with(kSqliteScheme)) {
    check_directory(files, parent_directory(config.state.substr(kSqliteScheme.size())), "state");
  }
}

}  // namespace dagloop
