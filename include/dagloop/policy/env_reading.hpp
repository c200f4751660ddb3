// How the loaders of env files read one: a twin of each, written from its source and
// documentation, and compared with the loader itself (docs/testing.md, "Loaders of env files").
// Pure value types.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dagloop {

/// Who may read the env file: EnvironmentFile= of systemd, --env-file of docker, `.` of a POSIX
/// shell or bash, and the dotenv libraries of four languages.
enum class EnvReader { systemd, docker, shell, node, python, ruby, go };

/// All of them, in the order in which they are shown.
inline constexpr std::array kEnvReaders{EnvReader::systemd, EnvReader::docker, EnvReader::shell,
                                        EnvReader::node,    EnvReader::python, EnvReader::ruby,
                                        EnvReader::go};

/// Returns the printed word: the enumerator; of a library of a language "dotenv (node)".
std::string_view to_string(EnvReader reader);

/// How much is known of what a reader makes of an assignment; `unset`: the key has no value then.
enum class EnvCertainty { known, unsure, unset };

/// An assignment, as a reader sees it.
struct EnvSight {
  std::string key;
  std::size_t line = 0;  // where it begins, from 1
  std::string value = {};
  EnvCertainty certainty = EnvCertainty::known;  // unsure: it hangs on more than the file's text
};

/// Where a reader gives up: it has no value at all then, or nobody can tell from the text what it
/// does from there on.
struct EnvStop {
  std::size_t line = 0;
  std::string what;
  bool operator==(const EnvStop&) const = default;
};

/// What a reader makes of a file.
struct EnvReading {
  EnvReader reader = EnvReader::systemd;
  std::vector<EnvSight> seen = {};     // of a key the last one counts
  std::optional<EnvStop> stop = {};    // then `seen` counts for nothing
  std::optional<EnvStop> strict = {};  // a name that some editions of this reader stop at

  /// Returns the last assignment of `key`, nullptr where there is none.
  const EnvSight* find(std::string_view key) const;
};

/// Returns the assignment that counts of each key of a reading.
std::map<std::string_view, const EnvSight*> last_sights(const EnvReading& reading);

/// Returns what `reader` makes of `text`.
///
/// Shape:  of an empty environment: what hangs on other variables is `unsure`.
/// Errors: none; `text` has no NUL byte.
/// Cost:   linear but for quotes that are never closed.
EnvReading read_env(EnvReader reader, std::string_view text);

}  // namespace dagloop
