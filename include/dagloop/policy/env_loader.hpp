// Who reads the service's env file, and whether they read of it what dagloop reads. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/policy/env_file.hpp"
#include "dagloop/policy/env_reading.hpp"

namespace dagloop {

/// Configuration, "policy.loader"; `any`: only what all of them read the same way counts.
enum class EnvLoader { any, systemd, docker, shell, dotenv };

/// Returns the printed word.
std::string_view to_string(EnvLoader loader);

/// Returns the loader of this name, nullopt where there is none.
std::optional<EnvLoader> env_loader_named(std::string_view name);

/// What a reader makes of a key.
struct ReaderView {
  enum class Sees { value, nothing, unsure, stop };  // stop: see EnvStop

  EnvReader reader = EnvReader::systemd;
  Sees sees = Sees::nothing;
  std::string value = {};
  std::size_t line = 0;  // 0 where it sees nothing
  std::string why = {};  // of a stop
  bool agrees = false;   // with dagloop
  bool is_asked = true;  // it is one of the configured loader's
};

/// What dagloop and all readers make of a key.
struct KeyView {
  std::string key;
  std::optional<std::string> value = {};  // dagloop's
  std::size_t line = 0;                   // 0 where the file lacks it
  std::optional<EnvFault> fault = {};     // why dagloop reads no value, though it stands there
  std::vector<ReaderView> readers = {};   // as in kEnvReaders
};

/// Returns what everybody makes of `keys`.
///
/// Source: design, "Policy", "Loader"; docs/configuration.md, "Who reads the env file".
std::vector<KeyView> explain_env(const EnvFile& env, EnvLoader loader,
                                 const std::vector<std::string>& keys);

/// Why what dagloop reads is not what the service gets.
struct LoaderFault {
  enum class Of { ours, readers };  // ours: EnvFile::value() refuses the key for itself

  Of of = Of::readers;
  Error error;  // config, with the line, the loader and what it sees
};

/// Returns the first fault of `keys`; nullopt where all of the loader's readers read what dagloop
/// reads.
std::optional<LoaderFault> loader_fault(const EnvFile& env, EnvLoader loader,
                                        const std::vector<std::string>& keys);

/// Checks that each of the loader's readers would see the patch, and nothing else changed.
///
/// Errors: Error{config} where one would not.
void check_patch_seen(const EnvFile& before, const EnvFile& after, EnvLoader loader,
                      const Patch& patch);

}  // namespace dagloop
