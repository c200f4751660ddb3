#include "dagloop/policy/approval.hpp"

#include <sodium.h>

#include <array>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kSecretPrefix = "dagloop-ed25519-secret-1 ";
constexpr std::string_view kSchema = "dagloop.policy_approval/1";
constexpr std::size_t kShownDigits = 12;  // of a digest in a message

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// An expanded key pair; the secret half is wiped.
struct Keys {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_key{};
  Keys() = default;
  ~Keys() { sodium_memzero(secret_key.data(), secret_key.size()); }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  std::string public_text() const {
    return to_base64({reinterpret_cast<const char*>(public_key.data()), public_key.size()});
  }
};

[[noreturn]] void refuse_secret() {
  throw Error(ErrorKind::approval, "the private key", "is no key of this format",
              "give the file that approve_dag_policy --init-key wrote");
}

void expand(std::string_view secret, Keys& keys) {
  // Editors and copying add line ends; anything else behind the key makes it another file.
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) {
    secret.remove_suffix(1);
  }
  if (!secret.starts_with(kSecretPrefix)) refuse_secret();
  auto seed = from_base64(secret.substr(kSecretPrefix.size()));
  if (!seed || seed->size() != crypto_sign_SEEDBYTES) refuse_secret();
  crypto_sign_seed_keypair(keys.public_key.data(), keys.secret_key.data(), bytes_of(*seed));
  sodium_memzero(seed->data(), seed->size());
}

std::string signed_bytes(const Approval& approval) {
  // The schema in front keeps a signature for one purpose: no text that these keys sign elsewhere
  // can be shown as an approval. The JSON is canonical, so the file may be reformatted.
  return std::string(kSchema) + "\n" +
         to_canonical_json(Json::object({{"approved_at", format_time(approval.approved_at)},
                                         {"approver", approval.approver},
                                         {"decision_digest", approval.decision_digest},
                                         {"expires_at", format_time(approval.expires_at)}}));
}

bool verifies(const Approval& approval, const Approver& approver) {
  const auto signature = from_base64(approval.signature);
  const auto key = from_base64(approver.public_key);
  if (!signature || signature->size() != crypto_sign_BYTES) return false;
  if (!key || key->size() != crypto_sign_PUBLICKEYBYTES) return false;
  const std::string message = signed_bytes(approval);
  return crypto_sign_verify_detached(bytes_of(*signature), bytes_of(message), message.size(),
                                     bytes_of(*key)) == 0;
}

std::optional<std::string> key_fault(const Approver& approver, TimePoint now) {
  // Judged by the time now, not by approved_at, which whoever has the key writes as they like.
  if (approver.revoked_at && now >= *approver.revoked_at) {
    return "the key of " + approver.name + " was revoked: let another approver approve";
  }
  if (approver.expires_at && now >= *approver.expires_at) {
    return "the key of " + approver.name + " has expired: approve with a new key";
  }
  return std::nullopt;
}

std::string people_fault(const Approval& approval, const ApprovalDemand& demand) {
  if (demand.people == ApprovalDemand::People::one || approval.approver != demand.proposed_by) {
    return "";
  }
  return approval.approver + " proposed this change and may not approve it: ask somebody else";
}

// An approval with what was found: why it does not hold, else the key that signed it.
struct Judged {
  const Approval& approval;
  std::string fault;
  std::string public_key;
};

// What needs no key comes first: the person is told of the wrong or late document, not of a
// signature that would not help.
std::optional<std::string> document_fault(const Approval& approval, const ApprovalDemand& demand) {
  if (approval.decision_digest != demand.decision_digest) {
    return "the approval is for another decision (" +
           approval.decision_digest.substr(0, kShownDigits) + "): approve this one";
  }
  if (demand.now >= demand.decision_expires_at) {
    return "the decision expired at " + format_time(demand.decision_expires_at) +
           ": decide and approve again";
  }
  if (demand.now >= approval.expires_at) {
    return "the approval expired at " + format_time(approval.expires_at) + ": approve again";
  }
  return std::nullopt;
}

Judged judge(const Approval& approval, const std::vector<Approver>& approvers,
             const ApprovalDemand& demand) {
  DAGLOOP_ASSERT(!demand.decision_digest.empty());  // or an approval of nothing would do
  if (const auto fault = document_fault(approval, demand)) return {approval, *fault, ""};
  // One name may have several keys: the old one stays in the file when a new one is brought in.
  std::optional<std::string> fault;
  bool is_known = false;
  for (const Approver& approver : approvers) {
    if (approver.name != approval.approver) continue;
    is_known = true;
    if (!verifies(approval, approver)) continue;
    fault = key_fault(approver, demand.now);
    if (!fault) return {approval, people_fault(approval, demand), approver.public_key};
  }
  if (fault) return {approval, *fault, ""};
  // The name comes from an unproven document.
  const std::string name = redact_text(approval.approver);
  return {approval,
          is_known ? "the signature is not that of " + name + ": sign again with the right key"
                   : name + " is not among the approvers: let one of them approve",
          ""};
}

}  // namespace

std::vector<Approver> parse_approvers(const Json& document, std::string_view where) {
  std::vector<Approver> approvers;
  for (const JsonReader& entry :
       JsonReader(document, std::string(where)).at("approvers").elements()) {
    entry.allow_only({"name", "public_key", "expires_at", "revoked_at"});
    Approver approver{entry.at("name").string(), entry.at("public_key").string(),
                      entry.find_time("expires_at"), entry.find_time("revoked_at")};
    const auto key = from_base64(approver.public_key);
    if (approver.name.empty()) entry.at("name").fail("is empty", "give the approver's name");
    if (!key || key->size() != crypto_sign_PUBLICKEYBYTES) {
      entry.at("public_key").fail("is no Ed25519 public key", "give 32 bytes in base64");
    }
    // Under a key of small order many signatures hold for any text.
    if (crypto_core_ed25519_is_valid_point(bytes_of(*key)) != 1) {
      entry.at("public_key").fail("is a weak Ed25519 public key", "make one with --init-key");
    }
    for (const Approver& other : approvers) {
      if (other.name == approver.name && other.public_key == approver.public_key) {
        entry.fail("stands twice", "remove one of them");
      }
    }
    approvers.push_back(std::move(approver));
  }
  return approvers;
}

Json approver_entry(const Approver& approver) {
  Json entry = Json::object({{"name", approver.name}, {"public_key", approver.public_key}});
  if (approver.expires_at) entry["expires_at"] = format_time(*approver.expires_at);
  if (approver.revoked_at) entry["revoked_at"] = format_time(*approver.revoked_at);
  return entry;
}

KeyPair generate_key_pair() {
  DAGLOOP_ASSERT(sodium_init() >= 0);
  std::string seed(crypto_sign_SEEDBYTES, '\0');
  randombytes_buf(seed.data(), seed.size());
  KeyPair pair;
  pair.secret = std::string(kSecretPrefix) + to_base64(seed) + "\n";
  sodium_memzero(seed.data(), seed.size());
  pair.public_key = public_key_of(pair.secret);
  return pair;
}

std::string public_key_of(std::string_view secret) {
  Keys keys;
  expand(secret, keys);
  return keys.public_text();
}

Approval sign_approval(Approval approval, std::string_view secret) {
  Keys keys;
  expand(secret, keys);
  const std::string message = signed_bytes(approval);
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       bytes_of(message), message.size(), keys.secret_key.data());
  approval.signature = to_base64(signature);
  return approval;
}

Json approval_to_json(const Approval& approval) {
  return Json::object({{"schema", kSchema},
                       {"decision_digest", approval.decision_digest},
                       {"approver", approval.approver},
                       {"approved_at", format_time(approval.approved_at)},
                       {"expires_at", format_time(approval.expires_at)},
                       {"signature", approval.signature}});
}

Approval approval_from_json(const Json& document, std::string_view where) {
  validate_schema(document, "approval", where);
  const JsonReader reader(document, std::string(where));
  return {reader.at("decision_digest").string(), reader.at("approver").string(),
          reader.at("approved_at").time(), reader.at("expires_at").time(),
          reader.at("signature").string()};
}

std::optional<std::string> approval_fault(const Approval& approval,
                                          const std::vector<Approver>& approvers,
                                          const ApprovalDemand& demand) {
  const Judged judged = judge(approval, approvers, demand);
  return judged.fault.empty() ? std::nullopt : std::optional(judged.fault);
}

ApprovalFinding judge_approvals(const std::vector<Approval>& approvals,
                                const std::vector<Approver>& approvers,
                                const ApprovalDemand& demand) {
  using Outcome = ApprovalFinding::Outcome;
  std::vector<Judged> valid;
  std::string fault;
  for (const Approval& approval : approvals) {
    Judged judged = judge(approval, approvers, demand);
    if (judged.fault.empty()) {
      valid.push_back(std::move(judged));
    } else {
      fault = judged.fault;
    }
  }
  if (demand.people == ApprovalDemand::People::one && !valid.empty()) {
    return {Outcome::allowed, {valid.front().approval}, ""};
  }
  // Two names with one key, or two keys of one name, are one person.
  for (const Judged& one : valid) {
    for (const Judged& other : valid) {
      if (one.approval.approver != other.approval.approver && one.public_key != other.public_key) {
        return {Outcome::allowed, {one.approval, other.approval}, ""};
      }
    }
  }
  // Of two that are needed, the one that does not hold is told: that is what was tried.
  if (!fault.empty()) return {Outcome::refused, {}, fault};
  if (valid.empty()) return {Outcome::incomplete, {}, "no approval was given"};
  return {Outcome::incomplete,
          {},
          "two people must approve, each with a key of their own, and only " +
              valid.front().approval.approver + " has"};
}

std::string approved_by(const std::vector<Approval>& approvals) {
  DAGLOOP_ASSERT(!approvals.empty());
  std::string text = "approved by ";
  for (const Approval& approval : approvals) {
    if (&approval != &approvals.front()) text += " and ";
    text += approval.approver;
  }
  return text;
}

}  // namespace dagloop
