// Reads the operators' files: env file, allowlist, rules, approvers, approvals; all but unguarded
// JSON files are guarded (guarded_file.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/guarded_file.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/recommendation.hpp"
#include "dagloop/policy/allowlist.hpp"
#include "dagloop/policy/approval.hpp"
#include "dagloop/policy/env_file.hpp"

namespace dagloop {

/// Reads and parses a JSON file.
///
/// Errors: Error{config} when it is missing or malformed; `role` says what the file is for.
Json read_json_file(FileSystem& files, const std::string& path, std::string_view role);

/// Reads and parses a guarded JSON file. Errors as read_json_file, and those of the guard.
Json read_guarded_json(FileSystem& files, const std::string& path, const FileGuard& guard);

/// Reads the env file.
///
/// Errors: Error{preflight} when it is missing or not to be trusted; Error{config} when it is
///         malformed.
EnvFile read_env_file(FileSystem& files, const std::string& path,
                      Symlinks symlinks = Symlinks::refuse);

/// Returns the path under which the env file at `path` is replaced: its target's where it is a
/// link.
///
/// Errors: Error{preflight} when it is not to be trusted.
std::string env_file_target(FileSystem& files, const std::string& path, Symlinks symlinks);

/// Reads an approval document.
///
/// Errors: Error{approval} when it is not to be trusted; Error{config} when it is malformed.
Approval read_approval(FileSystem& files, const std::string& path, Symlinks symlinks);

/// Reads the allowlist, the rules, the approvers.
Allowlist read_allowlist(FileSystem& files, const PolicyConfig& policy);
std::vector<PolicyRule> read_rules(FileSystem& files, const PolicyConfig& policy);
std::vector<Approver> read_approvers(FileSystem& files, const PolicyConfig& policy);

/// Returns why no approval can hold, and what to do: the approvers file is missing, cannot be used
/// or names nobody; nullopt where it names somebody.
std::optional<Error> approvers_fault(FileSystem& files, const PolicyConfig& policy);

/// What an approval is looked for.
struct WantedApproval {
  std::string digest;         // of the decision
  std::string decision_file;  // where it can be read, for who has approved another one
};

/// Returns the approvals in `policy.approvals_dir` (dag_policy_approval*.json) for a decision.
///
/// Shape:  files that cannot be read as approvals are told in `notes` and passed over; those of
///         other decisions are told where none of this one is found.
/// Errors: Error{preflight} when none was found and the system refused to read one of the files.
std::vector<Approval> find_approvals(FileSystem& files, const PolicyConfig& policy,
                                     const WantedApproval& wanted, std::vector<std::string>& notes);

/// Checks an approval of `decision` as its use would, at the time it was given.
///
/// Errors: Error{approval} when it would be refused; Error{config} without an approvers file.
void check_would_hold(FileSystem& files, const PolicyConfig& policy, const Approval& approval,
                      const Decision& decision);

/// Returns the name (without its ending) under which `approval` is published in `directory`:
/// dag_policy_approval, or another where that one is a second person's approval of this decision.
std::string approval_stem(FileSystem& files, const std::string& directory,
                          const Approval& approval);

/// Returns an approver's private key.
///
/// Errors: Error{approval} when it is missing, not to be trusted, or others than its owner may read
///         it.
std::string read_secret_key(FileSystem& files, const std::string& path,
                            Symlinks symlinks = Symlinks::refuse,
                            const std::string& trusted_group = {});

/// Writes an approver's private key, readable by its owner alone.
///
/// Errors: Error{usage} when the file exists: a key is never overwritten; Error{approval} where
///         others might replace it.
void write_secret_key(FileSystem& files, const std::string& path, const std::string& secret);

}  // namespace dagloop
