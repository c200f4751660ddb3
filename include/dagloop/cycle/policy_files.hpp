// Reads the operators' files: env file, allowlist, rules, approvers, approvals.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/file_system.hpp"
#include "dagloop/cycle/config.hpp"
#include "dagloop/decide/recommendation.hpp"
#include "dagloop/policy/allowlist.hpp"
#include "dagloop/policy/approval.hpp"
#include "dagloop/policy/env_file.hpp"

namespace dagloop {

/// Reads and parses a JSON file.
///
/// Errors: Error{config} when it is missing or malformed; `role` says what the file is for.
Json read_json_file(FileSystem& files, const std::string& path, std::string_view role);

/// Reads the env file.
///
/// Errors: Error{preflight} when it is missing; Error{config} when it is malformed.
EnvFile read_env_file(FileSystem& files, const std::string& path);

/// Reads the allowlist, the rules, the approvers.
Allowlist read_allowlist(FileSystem& files, const PolicyConfig& policy);
std::vector<PolicyRule> read_rules(FileSystem& files, const PolicyConfig& policy);
std::vector<Approver> read_approvers(FileSystem& files, const PolicyConfig& policy);

/// Returns the approvals in `policy.approvals_dir` (dag_policy_approval*.json) for `digest`.
///
/// Shape:  files that cannot be read as approvals are told in `notes` and passed over.
/// Errors: Error{preflight} when none was found and the system refused to read one of the files.
std::vector<Approval> find_approvals(FileSystem& files, const PolicyConfig& policy,
                                     const std::string& digest, std::vector<std::string>& notes);

/// Returns an approver's private key.
///
/// Errors: Error{approval} when it is missing or others than its owner may read it.
std::string read_secret_key(FileSystem& files, const std::string& path);

/// Writes an approver's private key, readable by its owner alone.
///
/// Errors: Error{usage} when the file exists: a key is never overwritten.
void write_secret_key(FileSystem& files, const std::string& path, const std::string& secret);

}  // namespace dagloop
