#include "dagloop/cycle/needed_files.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "dagloop/base/uri.hpp"
#include "dagloop/record/shipped_mappings.hpp"

namespace dagloop {
namespace {

bool is_uri(const std::string& source) { return !uri_scheme(source).empty(); }

// What a glob or standard input stands for is found when it is opened.
bool is_plain_path(const std::string& source) {
  return source.find_first_of("*?[") == std::string::npos;
}

bool is_missing(FileSystem& files, const NeededFile& file) {
  return !file.path.empty() && file.path != "-" && !files.stat(file.path);
}

// Where relative paths start: the commonest reason that a file "does not exist".
std::string start_of_paths(const NeededFiles& missing) {
  const auto is_relative = [](const NeededFile& file) { return !file.path.starts_with('/'); };
  if (std::ranges::none_of(missing, is_relative)) return "";
  std::error_code failed;
  const std::string directory = std::filesystem::current_path(failed).string();
  return failed ? "" : " (looked for in " + directory + ")";
}

Error error_of(const NeededFile& file) {
  const std::string what = file.what.empty() ? "the " + file.role + " does not exist" : file.what;
  return {file.kind, file.path, what + start_of_paths({file}), file.remedy};
}

}  // namespace

NeededFiles together(NeededFiles first, const NeededFiles& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

NeededFiles mapping_files(const std::string& mapping) {
  if (shipped_mapping(mapping)) return {};
  std::string names;
  for (const std::string_view name : shipped_mappings()) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return {{mapping, "mapping file",
           "give the path of a mapping, or the name of one that ships: " + names}};
}

NeededFiles source_files(const InputConfig& input) {
  NeededFiles needed = mapping_files(input.mapping);
  // A database is named alone: beside one, the mistake is not that the other is missing.
  if (std::ranges::any_of(input.sources, is_uri)) return needed;
  for (const std::string& source : input.sources) {
    if (!is_plain_path(source)) continue;
    needed.push_back(
        {source, "log", "check the path or the glob", ErrorKind::source, "there is no such file"});
  }
  return needed;
}

NeededFiles policy_files(const PolicyConfig& policy) {
  return {{policy.env_file, "env file",
           "give --env-file or policy.env_file with the path of the service's env file",
           ErrorKind::preflight},
          {policy.allowlist, "allowlist file"}};
}

NeededFile rules_file(const PolicyConfig& policy) { return {policy.rules, "policy rules file"}; }

NeededFile approvers_file(const PolicyConfig& policy) {
  return {policy.approvers, "approvers file",
          R"(put {"approvers": [ENTRY]} there, with the entry that approve_dag_policy --init-key )"
          "--key FILE --as NAME prints"};
}

std::optional<Error> missing_files(FileSystem& files, const NeededFiles& needed) {
  NeededFiles missing;
  std::ranges::copy_if(needed, std::back_inserter(missing),
                       [&](const NeededFile& file) { return is_missing(files, file); });
  if (missing.empty()) return std::nullopt;
  if (missing.size() == 1) return error_of(missing.front());
  std::string paths;
  std::string remedies;
  ErrorKind kind = missing.front().kind;
  for (const NeededFile& file : missing) {
    // One exit code for all of them: a wrong configuration is what has to be mended first.
    if (file.kind == ErrorKind::config) kind = file.kind;
    paths += (paths.empty() ? "" : ", ") + file.path;
    remedies += (remedies.empty() ? "" : "; ") + file.role + ": " + file.remedy;
  }
  return Error(kind, paths,
               std::to_string(missing.size()) + " files do not exist" + start_of_paths(missing),
               remedies);
}

void check_present(FileSystem& files, const NeededFiles& needed) {
  if (const auto missing = missing_files(files, needed)) throw Error(*missing);
}

}  // namespace dagloop
