#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "dagloop/base/ascii.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/source/file_source.hpp"

namespace dagloop {
namespace {

namespace fs = std::filesystem;

using Warn = std::function<void(const std::string&)>;

// As a service writes it, or as logrotate leaves it: agent.jsonl, .jsonl.1, .jsonl-20261119, each
// of them packed or not.
bool is_log_name(std::string_view name) {
  constexpr std::string_view kEnding = ".jsonl";
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  }
  const std::size_t ending = name.rfind(kEnding);
  if (ending == std::string_view::npos) return false;
  const std::string_view rotation = name.substr(ending + kEnding.size());
  if (rotation.empty()) return true;
  const bool is_numbered = rotation.size() > 1 && (rotation[0] == '.' || rotation[0] == '-') &&
                           is_ascii_digit(rotation[1]);
  return is_numbered && std::ranges::all_of(rotation, [](char c) {
           return is_ascii_digit(c) || c == '.' || c == '-';
         });
}

// A partition directory, dt=YYYY-MM-DD.
bool is_day_name(std::string_view name) {
  constexpr std::string_view kShape = "dt=0000-00-00";
  return std::ranges::equal(name, kShape, [](char c, char shape) {
    return shape == '0' ? is_ascii_digit(c) : c == shape;
  });
}

[[noreturn]] void refuse_source_path(const std::string& where, std::string_view what,
                                     std::string_view remedy) {
  throw Error(ErrorKind::source, where, what, remedy);
}

[[noreturn]] void refuse_no_file(const std::string& path) {
  refuse_source_path(path, "is named as a log is, and is no regular file",
                     "remove it, or name the files to read; a stream is read from standard input: "
                     "give - and pipe it in");
}

std::vector<fs::directory_entry> entries_of(const std::string& directory) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(*it);
  }
  if (error)
    refuse_source_path(directory, error.message(), "check that this user may list the directory");
  return entries;
}

void warn_of(const std::string& directory, std::vector<std::string> names, const char* why,
             const Warn& warn) {
  constexpr std::size_t kMost = 3;
  if (names.empty() || !warn) return;
  std::ranges::sort(names);
  std::string message =
      directory + ": " + std::to_string(names.size()) + " left out, " + why + ": ";
  for (std::size_t i = 0; i < std::min(kMost, names.size()); ++i) {
    message += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > kMost) message += ", ...";
  warn(message);
}

void add_logs_of(const std::string& directory, const Warn& warn, std::vector<std::string>& files) {
  std::vector<std::string> other_names;
  std::vector<std::string> no_files;
  for (const fs::directory_entry& entry : entries_of(directory)) {
    std::error_code error;
    const std::string name = entry.path().filename();
    // A link is what it leads to; one that leads nowhere is read, which says so.
    const fs::file_type type = entry.status(error).type();
    if (type == fs::file_type::directory) continue;
    const bool is_file = type == fs::file_type::regular || type == fs::file_type::not_found;
    if (is_log_name(name)) {
      // Somebody took it for a log: what it would say is not known, so nothing is decided without.
      if (!is_file) refuse_no_file(entry.path());
      files.push_back(entry.path());
    } else if (!is_file) {
      no_files.push_back(name);
    } else {
      other_names.push_back(name);
    }
  }
  warn_of(directory, std::move(other_names),
          "not named as logs are (*.jsonl, *.jsonl.1, *.jsonl.gz)", warn);
  warn_of(directory, std::move(no_files), "no regular files", warn);
}

void add_directory(const std::string& directory, const Warn& warn,
                   std::vector<std::string>& files) {
  const std::size_t before = files.size();
  add_logs_of(directory, warn, files);
  for (const fs::directory_entry& entry : entries_of(directory)) {
    std::error_code error;
    if (is_day_name(entry.path().filename().native()) && entry.is_directory(error)) {
      add_logs_of(entry.path(), warn, files);
    }
  }
  if (files.size() == before) {
    refuse_source_path(directory, "the directory holds no *.jsonl, *.jsonl.gz or *.jsonl.zst",
                       "name the directory that the logs are in, or a glob");
  }
}

std::vector<std::string> glob_paths(const std::string& pattern) {
  glob_t found{};
  const int result = ::glob(pattern.c_str(), GLOB_ERR, nullptr, &found);
  std::vector<std::string> paths;
  if (result == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (result == GLOB_ABORTED || result == GLOB_NOSPACE) {
    refuse_source_path(pattern, "a directory of the glob cannot be read", "check the permissions");
  }
  return paths;
}

void add_path(const std::string& path, const Warn& warn, std::vector<std::string>& files) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    add_directory(path, warn, files);
  } else if (fs::is_other(status)) {
    refuse_source_path(path, "is no regular file",
                       "a stream is read from standard input: give - and pipe it in");
  } else {
    files.push_back(path);
  }
}

void add_pattern(const std::string& pattern, const Warn& warn, std::vector<std::string>& files) {
  std::error_code error;
  const fs::file_status status = fs::status(pattern, error);
  if (pattern == "-") {
    files.push_back(pattern);
  } else if (fs::exists(status)) {
    add_path(pattern, warn, files);  // as it stands, even with the letters of a glob in it
  } else if (status.type() != fs::file_type::not_found) {
    refuse_source_path(pattern, error.message(), "check the path and that this user may read it");
  } else {
    const std::vector<std::string> paths = glob_paths(pattern);
    if (paths.empty())
      refuse_source_path(pattern, "there is no such file", "check the path or the glob");
    for (const std::string& path : paths) add_path(path, warn, files);
  }
}

// The day of the innermost directory dt=YYYY-MM-DD that the file is in, as its first instant.
std::optional<TimePoint> day_of(const std::string& path) {
  std::optional<TimePoint> day;
  for (const fs::path& part : fs::path(path).parent_path()) {
    const std::string& name = part.native();
    if (is_day_name(name)) day = parse_time(name.substr(name.find('=') + 1) + "T00:00:00Z");
  }
  return day;
}

// One file under two names would be counted twice.
std::string identity_of(const std::string& path) {
  std::error_code error;
  const fs::path canonical = path == "-" ? fs::path() : fs::canonical(path, error);
  return error || canonical.empty() ? path : canonical.native();
}

}  // namespace

std::vector<std::string> paths_of_range(const std::vector<std::string>& paths,
                                        const Window& range) {
  constexpr auto kDay = std::chrono::hours{24};
  std::vector<std::string> kept;
  std::ranges::copy_if(paths, std::back_inserter(kept), [&](const std::string& path) {
    const auto day = day_of(path);
    // A day on each side: writers name directories by their local day, and runs end past midnight.
    return !day || (*day + 2 * kDay > range.start && *day - kDay < range.end);
  });
  return kept;
}

std::vector<std::string> expand_paths(const std::vector<std::string>& patterns, const Warn& warn) {
  std::vector<std::string> files;
  // The order of a directory differs from machine to machine; examples and errors must not.
  for (const std::string& pattern : patterns) add_pattern(pattern, warn, files);
  std::ranges::sort(files);
  std::set<std::string> seen;
  std::erase_if(files,
                [&](const std::string& path) { return !seen.insert(identity_of(path)).second; });
  return files;
}

}  // namespace dagloop
