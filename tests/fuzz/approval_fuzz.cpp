// Approval documents, approvers files and private keys: nothing passes but the approver's own
// signature over exactly these fields.
#include <algorithm>

#include "dagloop/base/digest.hpp"
#include "dagloop/policy/approval.hpp"
#include "property.hpp"

namespace dagloop::fuzz {
namespace {

const std::string& secret() {
  static const std::string text = "dagloop-ed25519-secret-1 " + to_base64(std::string(32, 'k'));
  return text;
}

ApprovalDemand demand_for(const Approval& approval) {
  const TimePoint now = approval.expires_at - std::chrono::hours(1);
  return {approval.decision_digest, approval.expires_at, "loop", ApprovalDemand::People::two, now};
}

std::vector<Approver> approvers_for(const Approval& approval) {
  static const std::string public_key = public_key_of(secret());
  return {{approval.approver, public_key, {}, {}}};
}

bool passes(const Approval& approval, const std::vector<Approver>& approvers,
            const ApprovalDemand& demand) {
  const auto fault = approval_fault(approval, approvers, demand);
  if (fault) require_plain(*fault);
  return !fault;
}

void check_approval(const Json& document) {
  const Approval approval = approval_from_json(document, "the approval");
  const Json written = approval_to_json(approval);
  const Approval again = approval_from_json(written, "the approval again");
  require(to_canonical_json(approval_to_json(again)) == to_canonical_json(written),
          "an approval is written and read the same");
  const ApprovalDemand demand = demand_for(approval);
  const auto approvers = approvers_for(approval);
  if (!passes(approval, approvers, demand)) return;
  const Approval own = sign_approval(approval, secret());
  require(own.signature == approval.signature, "one signature alone passes");
  Approval other = approval;
  other.approved_at += Microseconds(1);
  require(!passes(other, approvers, demand), "no other time of approval does");
  other = approval;
  other.expires_at += std::chrono::seconds(1);
  require(!passes(other, approvers, demand), "no other expiry does");
  other = approval;
  other.approver += "x";
  require(!passes(other, approvers_for(other), demand), "no other approver does");
  ApprovalDemand late = demand;
  late.now = approval.expires_at;
  require(!passes(approval, approvers, late), "an expired approval does not pass");
}

void check_approvers(const Json& document) {
  const auto approvers = parse_approvers(document, "the approvers");
  Json::Array entries;
  for (const Approver& approver : approvers) entries.push_back(approver_entry(approver));
  const Json written = Json::object({{"approvers", Json(entries)}});
  require(parse_approvers(written, "the approvers again").size() == approvers.size(),
          "approvers are written and read the same");
  if (approvers.empty()) return;
  const TimePoint now = *parse_time("2026-03-01T12:00:00Z");
  const Approval approval = {std::string(64, 'a'), approvers.front().name, now,
                             now + std::chrono::hours(1), to_base64(std::string(64, 's'))};
  require(!passes(approval, approvers, demand_for(approval)), "no made-up signature passes");
}

void check_secret(const std::string& text) {
  const std::string public_key = public_key_of(text);
  require(from_base64(public_key).value().size() == 32, "a private key has a public key");
  const auto end = text.find_last_not_of("\r\n");
  require(public_key_of(text.substr(0, end + 1)) == public_key, "line ends are no part of a key");
}

void check(const std::string& text) {
  const Json document = parse_json(text, "the document");
  require_same_when_printed(document);
  refused([&] { check_approval(document); });
  refused([&] { check_approvers(document); });
}

}  // namespace
}  // namespace dagloop::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = dagloop::fuzz::text_of(data, size);
  dagloop::fuzz::refused([&] { dagloop::fuzz::check(text); });
  dagloop::fuzz::refused([&] { dagloop::fuzz::check_secret(text); });
  return 0;
}
