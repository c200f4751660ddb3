#include "cycle/env_file_writer.hpp"

#include "cycle/replaced_file.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/cycle/policy_files.hpp"

namespace dagloop {

Standing standing_of(const Patch& patch, const EnvFile& env) {
  bool all_before = true;
  bool all_after = true;
  for (const auto& [key, change] : patch) {
    const auto value = env.value(key);
    all_before = all_before && value == change.before;
    all_after = all_after && value == change.after;
  }
  if (all_after) return Standing::after;
  return all_before ? Standing::before : Standing::mixed;
}

EnvFile EnvFileWriter::read(const std::string& path) const {
  return read_env_file(files_, path, symlinks_);
}

std::string EnvFileWriter::target_of(const std::string& path) const {
  return env_file_target(files_, path, symlinks_);
}

// Earlier versions gave every temporary file the same name.
std::string EnvFileWriter::temporary_of(const Intent& intent) const {
  const std::string target = target_of(intent.env_file);
  return intent.temporary.empty() ? target + ".tmp" : temporary_path(target, intent.temporary);
}

bool EnvFileWriter::is_taken(const Intent& intent) const {
  return intent.temporary.empty() || files_.stat(temporary_of(intent)).has_value();
}

bool EnvFileWriter::exchange(const Intent& intent, const std::string& before,
                             const std::string& after) {
  const auto info = files_.stat(intent.env_file);
  if (!info) {
    throw Error(ErrorKind::preflight, intent.env_file, "the env file is gone", "restore it");
  }
  const std::string target = target_of(intent.env_file);
  exchange_wholly(files_, {target, temporary_of(intent), before, after,
                           FileAttributes{info->mode, info->uid, info->gid}});
  const auto now = files_.read(target);
  // The rename was reported as done: the disk lies, or somebody put the old text back.
  if (now == before) {
    throw Error(ErrorKind::preflight, intent.env_file, "reads back as it was before the change",
                "check the disk, and who else writes this file");
  }
  // Somebody may have edited another line in between: our values stand, and that is what was asked.
  return now == after || standing_of(intent.patch, read(intent.env_file)) == Standing::after;
}

std::string EnvFileWriter::settle(const Intent& intent) {
  const auto name =
      intent.temporary.empty() ? TemporaryName::guessable : TemporaryName::unguessable;
  const std::string temporary = temporary_of(intent);
  const Settled settled = settle_exchange(
      files_,
      {target_of(intent.env_file), temporary, intent.before_sha256, intent.after_sha256, name});
  return settled == Settled::left_as_it_is ? temporary : "";
}

}  // namespace dagloop
