// Checks that the files are there that a tool is going to read, before it reads the first: what is
// missing is named at once, not one file a run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"

namespace dagloop {

/// A file that is going to be read.
struct NeededFile {
  std::string path;  // empty or "-": nothing to look for
  std::string role;  // for messages, e.g. "allowlist file"
  std::string remedy = "create it, or give the path of the right one";
  ErrorKind kind = ErrorKind::config;  // of the error where it is missing
  std::string what = {};               // the fault; empty: "the ROLE does not exist"
};

using NeededFiles = std::vector<NeededFile>;

/// Returns `first` and `second` as one list.
NeededFiles together(NeededFiles first, const NeededFiles& second);

/// Returns the file of the mapping that --mapping or `input.mapping` names; none where it ships.
NeededFiles mapping_files(const std::string& mapping);

/// Returns the files that reading the log takes: the mapping, and sources that are plain paths.
NeededFiles source_files(const InputConfig& input);

/// Returns the files that a change of the policy takes: the env file and the allowlist.
NeededFiles policy_files(const PolicyConfig& policy);

/// Returns the files that a proposal takes beyond those.
NeededFile rules_file(const PolicyConfig& policy);
NeededFile approvers_file(const PolicyConfig& policy);

/// Returns an error that names all files that are missing, each with its role and what to do;
/// nullopt where none is.
///
/// Shape: of the kind of config where one of them is of that kind, else of the first one's.
std::optional<Error> missing_files(FileSystem& files, const NeededFiles& needed);

/// Refuses where files are missing. Errors: that of missing_files().
void check_present(FileSystem& files, const NeededFiles& needed);

}  // namespace dagloop
