// What all executables share: flags, configuration, logging, and the way an error ends.
// The only home of CLI11 and spdlog.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/cycle/needed_files.hpp"

namespace dagloop {

/// An executable: its name and one sentence, its flags, and what it does once they are parsed.
struct Tool {
  std::string name;
  std::string description;
  std::function<void(CLI::App&)> add_flags;
  std::function<ExitCode()> run;
};

/// Parses the flags, sets up logging, runs the tool; turns every error into one line on standard
/// error and the exit code of its kind.
int tool_main(int argc, char** argv, const Tool& tool);

/// Logs one line to standard error (--log-level, --log-format).
void log_info(const std::string& text);
void log_warning(const std::string& text);

/// Flags that say which configuration file is read; flags and environment win over the file.
struct ConfigFlags {
  std::string config_file;
  std::vector<std::string> sources;
  std::string window;
  std::string baseline;
  std::string mapping;
  std::string dedupe;
  std::string rollup;
  std::string env_file;
  std::string state;
  std::string out;
  std::string formats;
};

/// Which groups of ConfigFlags a tool has.
enum class FlagGroup { config, source, env_file, state, out, formats };

/// Adds the flags of `groups`, each with its environment variable.
void add_config_flags(CLI::App& app, ConfigFlags& flags, const std::vector<FlagGroup>& groups);

/// The same without --config.
void add_flag_groups(CLI::App& app, ConfigFlags& flags, const std::vector<FlagGroup>& groups);

/// Reads the configuration and lays the flags over it.
///
/// Shape:  `also` are the files of the tool's own flags: a configuration that is missing is named
///         together with those of them that are, too.
/// Errors: Error{config} or Error{usage} naming the file and key, or the flag.
Config load_config(FileSystem& files, const ConfigFlags& flags, const NeededFiles& also = {});

/// Refuses a configuration file that others may have written: it names the command that is run.
///
/// Order:  before anything is changed. One that comes through a pipe is the caller's own.
/// Errors: Error{preflight} naming the file.
void guard_config(FileSystem& files, const ConfigFlags& flags);

/// Parses the value of a time flag; empty gives nullopt.
///
/// Errors: Error{usage} naming `flag`.
std::optional<TimePoint> time_flag(const std::string& text, std::string_view flag);

/// Parses the value of a duration flag; empty gives nullopt. Errors as time_flag.
std::optional<Microseconds> duration_flag(const std::string& text, std::string_view flag);

/// Reads a JSON document from a file, or from standard input for "-".
Json read_document(FileSystem& files, const std::string& path, std::string_view role);

/// Returns `lines` as they are printed below another one: indented, control characters escaped.
std::string indented(const std::vector<std::string>& lines);

/// Writes to standard output; control characters but line ends, and those that are not seen, are
/// escaped as by escape_controls(). `done` is what is done for good, even if that fails.
///
/// Errors: Error{source} when it cannot be written (a closed pipe, a full disk); it says `done`.
void print(std::string_view text, const std::vector<std::string>& done = {});

}  // namespace dagloop
