// Ed25519 approvals of decisions (libsodium). Values and functions without state.
// Formats and the signed bytes: docs/formats.md, "Approval".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/base/time.hpp"

namespace dagloop {

/// A person who may approve.
struct Approver {
  std::string name;
  std::string public_key;  // base64, 32 bytes
  std::optional<TimePoint> expires_at;
  std::optional<TimePoint> revoked_at;
};

/// Reads {"approvers": [ENTRY, ...]}.
///
/// Errors: Error{config} for a bad or weak key, or a name twice with the same key.
std::vector<Approver> parse_approvers(const Json& document, std::string_view where);

/// Returns an approver's entry as it stands in the approvers file.
Json approver_entry(const Approver& approver);

/// A signing key pair. `secret` is the private key file's content; keep it 0600.
struct KeyPair {
  std::string secret;      // text of the key file
  std::string public_key;  // base64
};

/// Makes a new key pair from the system's randomness.
KeyPair generate_key_pair();

/// A signed approval of exactly one decision.
struct Approval {
  std::string decision_digest;
  std::string approver;
  TimePoint approved_at;
  TimePoint expires_at;   // never after the decision's own
  std::string signature;  // base64, 64 bytes
};

/// Signs the approval's other fields with the private key text `secret`.
///
/// Errors: Error{approval} when `secret` is no private key of this format.
Approval sign_approval(Approval approval, std::string_view secret);

/// Returns the base64 public key that belongs to the private key text `secret`.
///
/// Errors: as sign_approval.
std::string public_key_of(std::string_view secret);

/// Renders and reads an approval document ("dagloop.policy_approval/1").
Json approval_to_json(const Approval& approval);
Approval approval_from_json(const Json& document, std::string_view where);

/// What an approval must satisfy.
struct ApprovalDemand {
  std::string decision_digest;
  TimePoint decision_expires_at;
  std::string proposed_by;
  enum class People { one, two } people = People::one;  // two: neither of them who proposed
  TimePoint now;
};

/// Returns why `approval` is not one of those that the change needs, nullopt when it is.
///
/// Shape: checks digest, approver known and not revoked or expired, signature, both expiries, and
///        where two people are asked for that it is not by who proposed. Single use is the state's
///        to check.
std::optional<std::string> approval_fault(const Approval& approval,
                                          const std::vector<Approver>& approvers,
                                          const ApprovalDemand& demand);

/// What the approvals of a decision come to.
struct ApprovalFinding {
  enum class Outcome { allowed, incomplete, refused };
  Outcome outcome = Outcome::incomplete;
  std::vector<Approval> by;  // allowed: whose approvals count
  std::string why;           // incomplete: what is missing; refused: what is wrong with one of them
};

/// Judges all approvals of a decision together.
///
/// Shape: one that holds allows the change; where two people are asked for, two that hold, of
///        different names and signed with different keys.
ApprovalFinding judge_approvals(const std::vector<Approval>& approvals,
                                const std::vector<Approver>& approvers,
                                const ApprovalDemand& demand);

/// Returns "approved by NAME", or of both names.
std::string approved_by(const std::vector<Approval>& approvals);

}  // namespace dagloop
