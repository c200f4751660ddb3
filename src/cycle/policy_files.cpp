#include "dagloop/cycle/policy_files.hpp"

#include <algorithm>

#include "cycle/replaced_file.hpp"
#include "dagloop/base/closed_directory.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/needed_files.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxNote = 1000;
constexpr std::size_t kShownDigits = 12;  // of a digest in a note

// The service's file: it may belong to the service's user.
FileGuard env_guard(Symlinks symlinks) { return {"env file", symlinks, TrustedOwner::anyone}; }

FileGuard key_guard(Symlinks symlinks) {
  return {"private key", symlinks, TrustedOwner::ours, ErrorKind::approval};
}

ClosedPlace key_place(const std::string& trusted_group) {
  return {"private key", trusted_group, GroupWrite::if_trusted, {}, ErrorKind::approval};
}

[[noreturn]] void refuse_missing(const std::string& path, std::string_view role) {
  throw Error(ErrorKind::config, path, "the " + std::string(role) + " file does not exist",
              "create it, or give the path of the right one");
}

}  // namespace

Json read_json_file(FileSystem& files, const std::string& path, std::string_view role) {
  const auto text = files.read(path);
  if (!text) refuse_missing(path, role);
  return parse_json(*text, path);
}

Json read_guarded_json(FileSystem& files, const std::string& path, const FileGuard& guard) {
  const auto text = read_guarded(files, path, guard);
  if (!text) refuse_missing(path, guard.role);
  return parse_json(*text, path);
}

EnvFile read_env_file(FileSystem& files, const std::string& path, Symlinks symlinks) {
  auto text = read_guarded(files, path, env_guard(symlinks));
  if (!text) {
    throw Error(ErrorKind::preflight, path, "the env file does not exist",
                "give --env-file or policy.env_file with the path of the service's env file");
  }
  return EnvFile::parse(std::move(*text), path);
}

std::string env_file_target(FileSystem& files, const std::string& path, Symlinks symlinks) {
  return guarded_target(files, path, env_guard(symlinks));
}

Approval read_approval(FileSystem& files, const std::string& path, Symlinks symlinks) {
  // Whoever brings it: the signature says whose it is.
  const FileGuard guard{"approval", symlinks, TrustedOwner::anyone, ErrorKind::approval};
  return approval_from_json(read_guarded_json(files, path, guard), path);
}

Allowlist read_allowlist(FileSystem& files, const PolicyConfig& policy) {
  const Json document = read_guarded_json(files, policy.allowlist, {"allowlist", policy.symlinks});
  validate_schema(document, "allowlist", policy.allowlist);
  return Allowlist::parse(document, policy.allowlist);
}

std::vector<PolicyRule> read_rules(FileSystem& files, const PolicyConfig& policy) {
  const Json document = read_guarded_json(files, policy.rules, {"policy rules", policy.symlinks});
  validate_schema(document, "policy_rules", policy.rules);
  return parse_rules(document, policy.rules);
}

std::vector<Approver> read_approvers(FileSystem& files, const PolicyConfig& policy) {
  check_present(files, {approvers_file(policy)});
  const Json document = read_guarded_json(files, policy.approvers, {"approvers", policy.symlinks});
  validate_schema(document, "approvers", policy.approvers);
  return parse_approvers(document, policy.approvers);
}

std::optional<Error> approvers_fault(FileSystem& files, const PolicyConfig& policy) {
  const NeededFile file = approvers_file(policy);
  try {
    if (auto missing = missing_files(files, {file})) return missing;
    if (!read_approvers(files, policy).empty()) return std::nullopt;
    return Error(ErrorKind::config, file.path, "the approvers file names nobody", file.remedy);
  } catch (const Error& error) {
    return error;
  }
}

std::vector<Approval> find_approvals(FileSystem& files, const PolicyConfig& policy,
                                     const WantedApproval& wanted,
                                     std::vector<std::string>& notes) {
  constexpr std::string_view kStem = "dag_policy_approval";
  std::vector<Approval> found;
  std::optional<Error> unread;
  std::vector<std::string> of_others;
  for (const std::string& name : files.list(policy.approvals_dir)) {
    if (!name.starts_with(kStem) || !name.ends_with(".json")) continue;
    const std::string path = policy.approvals_dir + "/" + name;
    try {
      Approval approval = read_approval(files, path, policy.symlinks);
      // The same approval lies under the name of its time and as the latest one.
      const bool known = std::any_of(found.begin(), found.end(), [&](const Approval& other) {
        return other.signature == approval.signature;
      });
      if (approval.decision_digest != wanted.digest) {
        of_others.push_back(
            path + " is an approval of another decision (" +
            redact_text(approval.decision_digest.substr(0, kShownDigits)) +
            "…); approve the present one: approve_dag_policy --as NAME --key FILE --decision " +
            wanted.decision_file);
      } else if (!known) {
        found.push_back(std::move(approval));
      }
    } catch (const Error& error) {
      // One unreadable file must not keep a valid approval beside it from being seen.
      notes.push_back("passed over an approval: " + redact_text(error.what(), kMaxNote));
      if (error.kind() == ErrorKind::preflight) unread = error;
    }
  }
  // What the system refuses to read may be what is waited for: that is no quiet end of a tick.
  if (found.empty() && unread) throw Error(*unread);
  if (found.empty()) notes.insert(notes.end(), of_others.begin(), of_others.end());
  return found;
}

void check_would_hold(FileSystem& files, const PolicyConfig& policy, const Approval& approval,
                      const Decision& decision) {
  const auto fault = approval_fault(approval, read_approvers(files, policy),
                                    {approval.decision_digest, decision.expires_at,
                                     decision.proposed_by, policy.people, approval.approved_at});
  if (!fault) return;
  throw Error(ErrorKind::approval, policy.approvers, "the approval would be refused: " + *fault,
              "nothing was signed");
}

std::string approval_stem(FileSystem& files, const std::string& directory,
                          const Approval& approval) {
  std::string stem = "dag_policy_approval";
  const std::string path = directory + "/" + stem + "_latest.json";
  if (!files.stat(path)) return stem;
  try {
    const Approval there = approval_from_json(read_json_file(files, path, "approval"), path);
    const bool is_of_another =
        there.decision_digest == approval.decision_digest && there.approver != approval.approver;
    return is_of_another ? stem + "_second" : stem;
  } catch (const Error&) {
    return stem;  // what cannot be read carries nothing
  }
}

std::string read_secret_key(FileSystem& files, const std::string& path, Symlinks symlinks,
                            const std::string& trusted_group) {
  // The rights of the file that was opened, not of the path: it might be replaced in between.
  const auto secret = files.read_checked(path, [&](const FileInfo& opened) {
    check_guarded(files, path, opened, key_guard(symlinks));
    if ((opened.mode & 0077U) == 0) return;
    throw Error(ErrorKind::approval, path, "others may read the private key",
                "chmod 600 it, and make a new one if somebody may have read it");
  });
  if (!secret) {
    throw Error(ErrorKind::approval, path, "the private key does not exist",
                "make one with --init-key, or give --key");
  }
  check_closed(files, path, key_place(trusted_group));
  return *secret;
}

void write_secret_key(FileSystem& files, const std::string& path, const std::string& secret) {
  if (files.stat(path)) {
    throw Error(ErrorKind::usage, path, "exists already and is never overwritten",
                "give another path, or move the old key away");
  }
  static_cast<void>(guarded_target(files, path, key_guard(Symlinks::refuse)));
  check_closed(files, path, key_place(""));
  // Whole or not there: half a key could be neither used nor made again.
  replace_wholly(files, path, secret, FileAttributes{0600, {}, {}});
}

}  // namespace dagloop
