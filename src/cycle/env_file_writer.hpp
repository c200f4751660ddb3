// The env file of a change under way: which side of the change it is on, and the exchange of its
// content. Knows neither state nor journal. Private to the cycle layer.
#pragma once

#include <string>

#include "dagloop/base/file_system.hpp"
#include "dagloop/base/guarded_file.hpp"
#include "dagloop/policy/env_file.hpp"
#include "dagloop/state/cycle_state.hpp"

namespace dagloop {

/// Which side of a patch an env file's values are on.
enum class Standing { before, after, mixed };

/// Returns on which side of `patch` the values of `env` are.
Standing standing_of(const Patch& patch, const EnvFile& env);

/// Reads and exchanges env files. Owns: nothing.
class EnvFileWriter {
 public:
  EnvFileWriter(FileSystem& files, Symlinks symlinks) : files_(files), symlinks_(symlinks) {}

  /// Reads the env file. Errors as read_env_file().
  EnvFile read(const std::string& path) const;

  /// Exchanges the env file of `intent`, whose text is `before`, for `after`, and reads it back.
  /// Returns whether its values stand: somebody may have written over them at once.
  ///
  /// Errors: Error{conflict} when it was another text by then; Error{preflight} when it is gone or
  ///         reads back as before; what the file system throws.
  bool exchange(const Intent& intent, const std::string& before, const std::string& after);

  /// Finishes an exchange that was interrupted, whichever way it can. Returns what lies where its
  /// temporary file would and is left as it is; empty: nothing.
  std::string settle(const Intent& intent);

  /// Returns whether something lies where the temporary file of `intent` is to be written.
  bool is_taken(const Intent& intent) const;

 private:
  std::string target_of(const std::string& path) const;
  std::string temporary_of(const Intent& intent) const;

  FileSystem& files_;
  Symlinks symlinks_;
};

}  // namespace dagloop
